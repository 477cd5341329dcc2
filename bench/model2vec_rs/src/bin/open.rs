// SPDX-License-Identifier: Apache-2.0
// The same as bench/open.c, by model2vec-rs.
use model2vec_rs::model::StaticModel;
use std::fs;
use std::time::Instant;

const MEMORY: &str = "/proc/self/smaps_rollup";

/// The sum of the lines that begin with `name`.
fn read_kb(path: &str, name: &str) -> i64 {
    let text = fs::read_to_string(path).expect(path);
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok()).sum()
}

fn main() {
    let path = std::env::args().nth(1).expect("a model's folder");
    read_kb(MEMORY, "");
    let private_kb = read_kb(MEMORY, "Private_");
    let anonymous_kb = read_kb(MEMORY, "Anonymous:");
    let start = Instant::now();
    let model = StaticModel::from_pretrained(&path, None, None, None).expect("a model");
    let open_us = start.elapsed().as_nanos() as f64 / 1e3;
    let private_kb = read_kb(MEMORY, "Private_") - private_kb;
    let anonymous_kb = read_kb(MEMORY, "Anonymous:") - anonymous_kb;
    let start = Instant::now();
    drop(model);
    let close_us = start.elapsed().as_nanos() as f64 / 1e3;
    let peak_kb = read_kb("/proc/self/status", "VmHWM:");
    println!(
        "{{\"open_us\": {open_us:.1}, \"close_us\": {close_us:.1}, \"private_kb\": {private_kb}, \
         \"anonymous_kb\": {anonymous_kb}, \"peak_kb\": {peak_kb}}}"
    );
}
