// SPDX-License-Identifier: Apache-2.0
// The same as bench/encode.c, by model2vec-rs.
use model2vec_rs::model::StaticModel;
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::time::Instant;

fn write_vectors(model: &StaticModel, texts: &[&str]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for text in texts {
        for value in model.encode_single(text) {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    out.flush()
}

fn time_rounds(model: &StaticModel, texts: &[&str], n: usize) -> io::Result<()> {
    let mut rounds = texts.chunks_exact(n);
    for line in io::stdin().lock().lines() {
        line?;
        let round = rounds.next().expect("no texts are left");
        let start = Instant::now();
        for text in round {
            black_box(model.encode_single(text));
        }
        println!("{:.1}", start.elapsed().as_nanos() as f64 / n as f64);
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let model = StaticModel::from_pretrained(&arguments[1], None, None, None).expect("a model");
    let data = std::fs::read_to_string(&arguments[2])?;
    let texts: Vec<&str> = data.lines().collect();
    match arguments.get(3) {
        Some(n) => time_rounds(&model, &texts, n.parse().expect("a number")),
        None => write_vectors(&model, &texts),
    }
}
