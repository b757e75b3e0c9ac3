// The learning curves as an SVG, drawn by hand: three lines need no library.
const WIDTH = 320;
const HEIGHT = 110;
const LEFT = 30;
const RIGHT = 36;
const BOTTOM = 16;
const TOP = 8;

/** `curve` holds the clicks and the scores with and without the ring, `base` is the frozen model's score. */
export function drawCurve(svg, curve, base) {
  const points = curve.length > 0 ? curve : [[0, base, base]];
  const [clicks, ...scores] = points.at(-1);
  const last = Math.max(clicks, 20);
  const all = [base, ...points.flatMap(([, ...both]) => both)];
  const [low, high] = [Math.min(...all) - 0.01, Math.max(...all, base + 0.04) + 0.01];
  const x = (at) => LEFT + ((WIDTH - LEFT - RIGHT) * at) / last;
  const y = (score) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - score)) / (high - low);
  const path = (which) =>
    points
      .map((point, i) => `${i === 0 ? "M" : "L"}${x(point[0]).toFixed(1)} ${y(point[which]).toFixed(1)}`)
      .join("");
  const end = x(clicks);
  const [top, bottom] = apart(y(scores[0]), y(scores[1]));
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.innerHTML = `
    <line class="frozen" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(base)}" y2="${y(base)}"/>
    <text x="${LEFT - 4}" y="${y(base) + 3}" text-anchor="end">${base.toFixed(2)}</text>
    <path class="once" d="${path(2)}"/>
    <path class="replayed" d="${path(1)}"/>
    <circle class="once" cx="${end}" cy="${y(scores[1])}" r="3"/>
    <circle class="replayed" cx="${end}" cy="${y(scores[0])}" r="3.5"/>
    <text class="replayed" x="${end + 7}" y="${top + 3}">${scores[0].toFixed(2)}</text>
    <text class="once" x="${end + 7}" y="${bottom + 3}">${scores[1].toFixed(2)}</text>
    <text x="${LEFT}" y="${HEIGHT - 3}">0</text>
    <text x="${WIDTH - RIGHT}" y="${HEIGHT - 3}" text-anchor="end">${last} clicks</text>`;
  svg.setAttribute(
    "aria-label",
    `Learning curves: nDCG at 10 is ${scores[0].toFixed(3)} after ${clicks} clicks with replay, ` +
      `${scores[1].toFixed(3)} with each click learned once, ${base.toFixed(3)} for the frozen model`,
  );
}

/** Two labels far enough from each other to be read, in their order. */
function apart(first, second) {
  const lack = (10 - Math.abs(first - second)) / 2;
  if (lack <= 0) return [first, second];
  const sign = first <= second ? 1 : -1;
  return [first - sign * lack, second + sign * lack];
}
