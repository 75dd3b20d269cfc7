//! Prints the seconds to read, compare and search a register by its number of enti, and the
//! exponent between the sizes. Run with `cargo bench -p affluenza-register`.

mod made;

use std::hint::black_box;
use std::time::Instant;

use affluenza_register::Register;
use affluenza_register::diff::diff;

use crate::made::Size;

/// Sizes with 20 deployments for each ente, as in `benches/README.md`.
const SIZES: [Size; 3] = [size(300, 200), size(2_000, 200), size(8_000, 2_000)];
/// Best of several rounds, because other load on the machine can only add time.
const ROUNDS: u32 = 3;

const fn size(enti: usize, services: usize) -> Size {
    Size {
        enti,
        services,
        deployments: 20,
    }
}

/// Seconds of each step at one size.
type Times = [(&'static str, f64); 3];

fn main() {
    let measured: Vec<Times> = SIZES.into_iter().map(measure).collect();
    for step in 0..measured[0].len() {
        report(&measured, step);
    }
}

fn measure(size: Size) -> Times {
    let text = made::toml(size);
    let register = Register::parse(&text).expect("the made-up register is right");
    let (main, files) = made::csv(size);
    let read = || Register::read(&main, |name| Ok(files[name].clone()));
    let same = read().expect("the made-up files are right");
    assert_eq!(register.version(), same.version());
    let changed = text.replace("Comune 1", "Borgo 1");
    let changed = Register::parse(&changed).expect("the made-up register is right");
    [
        (
            "TOML: read, check, version",
            best(|| Register::parse(&text)),
        ),
        ("CSV: read, check, version", best(read)),
        ("compare", best(|| diff(&register, &changed))),
    ]
}

/// Returns the seconds of the fastest round.
fn best<T>(mut work: impl FnMut() -> T) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

#[expect(clippy::print_stdout, reason = "printing is what a bench is for")]
fn report(measured: &[Times], step: usize) {
    print!("{:28}", measured[0][step].0);
    for (size, times) in SIZES.iter().zip(measured) {
        print!("  {:5} enti {:8.3} s", size.enti, times[step].1);
    }
    let [first, .., last] = SIZES;
    let time = |at: usize| measured[at][step].1;
    let growth = (time(measured.len() - 1) / time(0)).ln();
    let exponent = growth / (last.enti as f64 / first.enti as f64).ln();
    println!("  exponent {exponent:.2}   (expected at most 1.2)");
}
