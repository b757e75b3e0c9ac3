// What opening and rating do: seen at once, explained, and taken back.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

export const CHOICES = {
  async "a thumb up moves a result up, at once, and one tap undoes it"(ui) {
    const before = await ui.names();
    await ui.tapRow(9, "up");
    const after = await ui.names();
    const place = after.indexOf(before[8]) + 1;
    assert.ok(place >= 1 && place < 9, `${before[8]} was 9th, is ${place}.`);
    assert.match(await ui.status(), new RegExp(`^More like this. .* moved from place 9 to ${place}`));
    assert.ok(await ui.pressed(place, "up"));
    assert.match(await ui.text("#learned"), /^1 choice so far/);
    await ui.tap("#undo");
    assert.deepEqual(await ui.names(), before);
    assert.match(await ui.text("#learned"), /^Nothing yet/);
    assert.equal(await ui.kept(), 10);
  },

  async "a thumb down moves it down, and the same thumb again takes it back"(ui) {
    const before = await ui.names();
    await ui.tapRow(1, "down");
    const after = await ui.names();
    assert.notEqual(after[0], before[0]);
    assert.match(await ui.status(), /^Less like this\. /);
    const place = after.indexOf(before[0]) + 1;
    if (place > 0) {
      assert.ok(await ui.pressed(place, "down"));
      await ui.tapRow(place, "down");
    } else await ui.tap("#undo");
    assert.deepEqual(await ui.names(), before);
  },

  async "opening a result is weak evidence: it moves less than a thumb, and is undone alike"(ui) {
    const before = await ui.names();
    await ui.tapRow(9, "open");
    assert.equal(await ui.text('#sheet [data-part="title"]'), before[8]);
    const opened = (await ui.names()).indexOf(before[8]) + 1;
    assert.match(await ui.status(), /^Opened: counts a little\./);
    assert.match(await ui.text("#learned"), /^1 choice so far/);
    await ui.tap('#sheet [data-part="close"]');
    await ui.tap("#undo");
    assert.deepEqual(await ui.names(), before);
    await ui.tapRow(9, "up");
    const liked = (await ui.names()).indexOf(before[8]) + 1;
    assert.ok(liked < opened && opened <= 9, `place 9: opened ${opened}, liked ${liked}`);
    await ui.tap("#undo");
  },

  async "why is it here: what was chosen is named, and forgetting it brings the order back"(ui) {
    const before = await ui.names();
    const chosen = [];
    for (const place of [9, 8]) {
      chosen.push((await ui.names())[place - 1]);
      await ui.tapRow(place, "up");
    }
    assert.match(await ui.text("#learned"), /^2 choices so far/);
    const [first] = await ui.names();
    await ui.tapRow(1, "why");
    assert.equal(await ui.text('#sheet [data-part="title"]'), `Why is ${first} here?`);
    const because = await ui.text("#sheet .because");
    assert.match(because, /^Up from place \d+ to 1, because you chose /);
    assert.ok(
      chosen.some((name) => because.includes(name)),
      because,
    );
    for (let left = 1; left >= 0; left -= 1) {
      if ((await ui.names("#sheet .reasons button")).length === 0) {
        // Nothing else has moved this one: another result tells of the other choice.
        await ui.tap('#sheet [data-part="close"]');
        await ui.tapRow((await ui.moved())[0], "why");
      }
      const order = await ui.names();
      await ui.tap("#sheet .reasons button");
      assert.match(await ui.status(), /^Forgotten/);
      assert.notDeepEqual(await ui.names(), order, "the ranking follows");
      assert.match(await ui.text("#learned"), left > 0 ? /^1 choice so far/ : /^Nothing yet/);
    }
    assert.deepEqual(await ui.names(), before);
    assert.match(await ui.text("#sheet .because"), /^It is where the frozen order has it/);
    await ui.tap('#sheet [data-part="close"]');
  },

  async "how personal: the slider works live, from the frozen order to a personal one"(ui) {
    const before = await ui.names();
    for (const place of [8, 9, 10]) await ui.tapRow(place, "up");
    const kept = [];
    for (const strength of [0, 1, 2]) {
      await ui.setStrength(strength);
      kept.push(await ui.kept());
      if (strength === 0) assert.deepEqual(await ui.names(), before);
      else assert.notDeepEqual(await ui.names(), before);
    }
    assert.ok(kept[0] === 10 && kept[1] >= kept[2] && kept[2] < 10, `kept ${kept}`);
    await ui.setStrength(1);
    await ui.tap("#reset");
    assert.deepEqual(await ui.names(), before);
    await ui.tap("#undo");
    assert.notDeepEqual(await ui.names(), before);
    await ui.tap("#reset");
  },

  async "nothing on the page moves when results change"(ui) {
    const before = await ui.positions();
    const shifts = await shiftsOf(ui, async () => {
      await ui.evaluate(() => document.querySelector('#results > li:nth-child(9) [data-part="up"]').click());
      assert.deepEqual(await ui.positions(), before, "after a thumb");
      await ui.setStrength(2);
      assert.deepEqual(await ui.positions(), before, "after the slider");
      await ui.search("zip");
      await ui.waitFor("other results", () => document.querySelector("#kept").textContent !== "");
      assert.deepEqual(await ui.positions(), before, "after a search");
      await ui.search("");
      await ui.waitFor(
        "no results",
        () => document.querySelectorAll("#results > li:not(.empty)").length === 0,
      );
      assert.deepEqual(await ui.positions(), before, "without results");
    });
    assert.deepEqual(shifts, []);
    await ui.setStrength(1);
    await ui.search("play music");
    await ui.waitFor("results", () => document.querySelectorAll("#results > li:not(.empty)").length === 10);
    await ui.evaluate(() => document.querySelector("#reset").click());
  },
};

/** The browser's own count, where it counts them, since the page was opened: also those that come with a tap. */
async function shiftsOf(ui, act) {
  await act();
  await ui.evaluate(() => {
    globalThis.shifts = [];
    if (!PerformanceObserver.supportedEntryTypes.includes("layout-shift")) return;
    const nameOf = ({ node }) => node?.id || node?.className || node?.nodeName;
    const count = (list) =>
      list
        .getEntries()
        .forEach(({ value, sources }) =>
          globalThis.shifts.push(`${value}: ${sources.map(nameOf).join(", ")}`),
        );
    new PerformanceObserver(count).observe({ type: "layout-shift", buffered: true });
  });
  await sleep(300);
  return ui.evaluate(() => globalThis.shifts);
}
