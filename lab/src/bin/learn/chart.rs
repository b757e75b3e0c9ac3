use std::fmt::Write;

use micro_lora_lab::Estimate;

use crate::results::Table;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 250.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 36.0;
const COLOURS: [&str; 8] =
    ["#999999", "#bbbbbb", "#c49c48", "#7f7f7f", "#1f77b4", "#d62728", "#2ca02c", "#444444"];

/// An SVG chart of the main figure of every learner over the number of events.
pub fn curves(table: &Table) -> String {
    let curves: Vec<(&str, Vec<(f64, f64)>)> =
        table.rows.iter().map(|row| (row.name.as_str(), curve(table, &row.name))).collect();
    let points = || curves.iter().flat_map(|(_, points)| points);
    let last = points().map(|point| point.0).fold(1.0, f64::max);
    let (low, high) = points().fold((0.0, 0.01), |(low, high): (f64, f64), p| (low.min(p.1), high.max(p.1)));
    let x = |events: f64| LEFT + events / last * (WIDTH - LEFT - RIGHT);
    let y = |gain: f64| TOP + (high - gain) / (high - low) * (HEIGHT - TOP - BOTTOM);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let mut gain = (low / 0.05).ceil() * 0.05;
    while gain <= high {
        let (at, end) = (y(gain), WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#dddddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{gain:+.2}</text>",
            LEFT - 6.0,
            at + 4.0
        );
        gain += 0.05;
    }
    for step in 0..=5 {
        let events = last * f64::from(step) / 5.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{events:.0}</text>",
            x(events),
            HEIGHT - BOTTOM + 16.0
        );
    }
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\">gain in nDCG@10 over events</text>", HEIGHT - 4.0);
    for (index, ((name, points), colour)) in curves.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let path: Vec<String> = points.iter().map(|(e, g)| format!("{:.1},{:.1}", x(*e), y(*g))).collect();
        let (at, legend) = (TOP + 14.0 + 18.0 * index as f64, WIDTH - RIGHT + 12.0);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"/>\n\
             <path d=\"M{legend} {:.1}h16\" stroke=\"{colour}\" stroke-width=\"3\"/>\
             <text x=\"{:.1}\" y=\"{at:.1}\">{name}</text>",
            path.join(" "),
            at - 4.0,
            legend + 22.0
        );
    }
    svg + "</svg>\n"
}

fn curve(table: &Table, name: &str) -> Vec<(f64, f64)> {
    let point = |at: &usize| {
        let values = table.values(name, *at, table.metrics[0])?;
        Some((*at as f64, Estimate::of(values).mean))
    };
    [(0.0, 0.0)].into_iter().chain(table.at.iter().filter_map(point)).collect()
}
