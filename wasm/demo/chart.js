// A learning curve as an SVG, drawn by hand: a line needs no library.
const [WIDTH, HEIGHT] = [340, 84];
const [LEFT, RIGHT, TOP, BOTTOM] = [26, 34, 8, 18];

/**
 * `points` are `[choices, count]`, counts of the first ten results; the axis reaches from `low` to `high`, or as far as the
 * line. `base` is the count of the frozen order, a dashed line, and `what` says what is counted.
 */
export function drawCurve(svg, { points, base, low, high, what }) {
  const [[from], [choices, count]] = [points[0], points.at(-1)];
  const last = Math.max(choices, from + 10);
  const [bottom, top] = [
    Math.min(low, ...points.map(([, each]) => each)),
    Math.max(high, ...points.map(([, each]) => each)),
  ];
  const x = (at) => (LEFT + ((WIDTH - LEFT - RIGHT) * (at - from)) / (last - from)).toFixed(1);
  const y = (at) => (TOP + ((HEIGHT - TOP - BOTTOM) * (top - at)) / (top - bottom)).toFixed(1);
  const path = points.map(([at, each], i) => `${i === 0 ? "M" : "L"}${x(at)} ${y(each)}`).join("");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.innerHTML = `
    <line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(base)}" y2="${y(base)}"/>
    <text x="${LEFT - 5}" y="${Number(y(base)) + 4}" text-anchor="end">${base === 10 ? 10 : base.toFixed(1)}</text>
    <path d="${path}"/>
    <circle cx="${x(choices)}" cy="${y(count)}" r="3.5"/>
    <text class="now" x="${Number(x(choices)) + 7}" y="${Number(y(count)) + 4}">${count.toFixed(1)}</text>
    <text x="${LEFT}" y="${HEIGHT - 3}">${from}</text>
    <text x="${WIDTH - RIGHT}" y="${HEIGHT - 3}" text-anchor="end">${last} choices</text>`;
  svg.setAttribute(
    "aria-label",
    `${what}: ${count.toFixed(1)} after ${choices} choices, ${base.toFixed(1)} in the frozen order`,
  );
}
