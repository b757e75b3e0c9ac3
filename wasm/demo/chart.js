// The learning curve as an SVG, drawn by hand: two lines need no library.
const WIDTH = 320;
const HEIGHT = 96;
const LEFT = 30;
const BOTTOM = 16;
const TOP = 8;

/** `curve` holds [clicks, score] pairs, `base` is the frozen model's score. */
export function drawCurve(svg, curve, base) {
  const points = curve.length > 0 ? curve : [[0, base]];
  const last = Math.max(points.at(-1)[0], 20);
  const scores = [base, ...points.map(([, score]) => score)];
  const [low, high] = [Math.min(...scores) - 0.01, Math.max(...scores, base + 0.04) + 0.01];
  const x = (clicks) => LEFT + ((WIDTH - LEFT - 6) * clicks) / last;
  const y = (score) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - score)) / (high - low);
  const path = points.map(
    ([clicks, score], i) => `${i === 0 ? "M" : "L"}${x(clicks).toFixed(1)} ${y(score).toFixed(1)}`,
  );
  const [endX, endY] = [x(points.at(-1)[0]), y(points.at(-1)[1])];
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.innerHTML = `
    <line class="frozen" x1="${LEFT}" x2="${WIDTH - 6}" y1="${y(base)}" y2="${y(base)}"/>
    <text x="${LEFT - 4}" y="${y(base) + 3}" text-anchor="end">${base.toFixed(2)}</text>
    <path d="${path.join("")}"/>
    <circle cx="${endX}" cy="${endY}" r="3.5"/>
    <text x="${LEFT}" y="${HEIGHT - 3}">0</text>
    <text x="${endX}" y="${endY - 7}" text-anchor="end">${points.at(-1)[1].toFixed(2)}</text>
    <text x="${WIDTH - 6}" y="${HEIGHT - 3}" text-anchor="end">${last} clicks</text>`;
  const now = points.at(-1)[1];
  svg.setAttribute(
    "aria-label",
    `Learning curve: nDCG at 10 is ${now.toFixed(3)} after ${points.at(-1)[0]} clicks, ` +
      `${base.toFixed(3)} for the frozen model`,
  );
}
