// Why a result is where it is: which choices moved it, and by how much.

/** Reasons that are shown, and the least part of the largest one that is one. */
const MOST = 4;
const LEAST = 0.1;

/**
 * The choices that moved program `id` from its place in the frozen order to where it is, the strongest first:
 * `{ reasons: [{ number, kind, text, ids, share }], older }`; `older` says that choices no longer remembered did most.
 *
 * A choice that lifts all programs alike moves none, so what counts is by how much it lifts this one more than those it
 * competes with.
 */
export function reasonsFor(person, query, id, rivals, isUp) {
  const ids = [id, ...rivals.filter((rival) => rival !== id)];
  const { lists, rest } = person.shares(query, ids);
  const lead = (shares) => {
    const mean = shares.slice(1).reduce((sum, share) => sum + share, 0) / Math.max(ids.length - 1, 1);
    return (isUp ? 1 : -1) * (shares[0] - mean);
  };
  const all = lists
    .map(({ number, shares }) => ({ number, share: lead(shares), ...person.log.get(number) }))
    .filter(({ share, ids: chosen }) => share > 0 && chosen)
    .sort((a, b) => b.share - a.share);
  const reasons = all.filter(({ share }) => share >= LEAST * all[0].share).slice(0, MOST);
  return { reasons, older: lead(rest) > (all[0]?.share ?? 0) };
}

/** "you chose atool and dtrx" */
export function inWords(reasons, nameOf) {
  const namesOf = (wanted) => [...new Set(reasons.filter(wanted).flatMap(({ ids }) => ids.map(nameOf)))];
  const [chosen, refused] = [
    namesOf(({ kind }) => kind !== "disliked"),
    namesOf(({ kind }) => kind === "disliked"),
  ].map((names) => names.slice(0, 3));
  return [
    [chosen, "you chose"],
    [refused, "you turned down"],
  ]
    .filter(([names]) => names.length > 0)
    .map(([names, what]) => `${what} ${listOf(names)}`)
    .join(", and ");
}

export const listOf = (words) =>
  words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
