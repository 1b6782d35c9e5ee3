//! Inputs from real files: bytes, tokens, lines, nesting, huge numbers, splices; and noise.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Bytes of an input at most.
const LONGEST: usize = 1 << 18;
/// Changes of one input at most.
const CHANGES: usize = 6;

/// What readers may stumble over.
const WORDS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1",
    "0.0",
    "1e308",
    "-1e308",
    "1e-320",
    "1e999",
    "inf",
    "-inf",
    "nan",
    "NaN",
    "Infinity",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "4294967296",
    "1000000000000000000000000000000000",
    "0.1e1_0",
    "1_000",
    "0x7fffffffffffffff",
    "0o777",
    "0b1",
    "1.5T",
    "\"1.5T\"",
    "\"13B\"",
    "\"0.3 %\"",
    "\"1e400\"",
    "\"\"",
    "''",
    "\"\"\"",
    "'''",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "{ a = 1 }",
    "{\"a\":1}",
    "1979-05-27",
    "1979-05-27T07:32:00Z",
    "\\u0000",
    "\\ud800",
    "\\x41",
    "\u{feff}",
    "\0",
    "\r",
    "\r\n",
    "\n",
    "\t",
    "\u{85}",
    "\u{2028}",
    "\u{301}",
    "\u{202e}",
    "名",
    "🚀",
    "é",
    "=",
    ".",
    ",",
    "#",
    ":",
    "%",
    "::",
    "[derived]\n",
    "[[stages]]\n",
    "[[allow]]\n",
    "format = 1\n",
    "constants",
    "proportional",
    "rest",
];

/// Deep and long things, by how often they are repeated.
const NESTS: &[(&str, &str)] = &[
    ("[", "]"),
    ("{a=", "}"),
    ("{\"a\":", "}"),
    ("a.", ""),
    ("[a.", "]\n"),
    ("\n[[stages]]\n", ""),
    ("9", ""),
    ("0.", ""),
    ("\"", ""),
    ("#", ""),
    (",", ""),
    ("\n", ""),
    (" ", ""),
    ("é", ""),
];

/// Makes inputs from seeds.
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    /// Words and numbers of the seeds.
    tokens: Vec<Vec<u8>>,
}

impl Mutator {
    /// A mutator of these files.
    pub fn new(seeds: Vec<Vec<u8>>) -> Self {
        let of = |seed: &Vec<u8>| -> Vec<Vec<u8>> {
            tokens(seed).into_iter().map(|(start, end)| seed[start..end].to_vec()).collect()
        };
        let mut tokens: Vec<Vec<u8>> = seeds.iter().flat_map(of).collect();
        tokens.sort();
        tokens.dedup();
        Self { seeds, tokens }
    }

    /// Input `index` of a seed.
    pub fn input(&self, seed: u64, index: u64) -> Vec<u8> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        let rng = &mut rng;
        if rng.random_range(0..16) == 0 {
            return self.noise(rng);
        }
        let mut bytes = pick(rng, &self.seeds).clone();
        for _ in 0..rng.random_range(1..=CHANGES).min(rng.random_range(1..=CHANGES)) {
            self.change(rng, &mut bytes);
            bytes.truncate(LONGEST);
        }
        bytes
    }

    /// Bytes of no file: any, or words in any order.
    fn noise(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let length = rng.random_range(0..200);
        if rng.random_range(0..2) == 0 {
            return (0..length).map(|_| rng.random()).collect();
        }
        (0..length).flat_map(|_| self.word(rng)).collect()
    }

    fn word(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        match rng.random_range(0..4) {
            0 => pick(rng, &self.tokens).clone(),
            1 => number(rng).into_bytes(),
            2 => pick(rng, WORDS).as_bytes().to_vec(),
            _ => vec![*pick(rng, b" =[]{}.,\"'\n#:-+e_\\")],
        }
    }

    fn change(&self, rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
        match rng.random_range(0..14) {
            0 => {
                let at = place(rng, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << rng.random_range(0..8);
                }
            }
            1 => {
                let byte = [rng.random()];
                put(rng, bytes, &byte);
            }
            2 => {
                let (start, end) = span(rng, bytes, 40);
                bytes.drain(start..end);
            }
            3 => {
                let at = place(rng, bytes);
                bytes.truncate(at);
            }
            4 => {
                let (start, end) = span(rng, bytes, 200);
                let part = bytes[start..end].to_vec();
                put(rng, bytes, &part);
            }
            // a token is replaced, most often a number
            5..=8 => {
                let all = tokens(bytes);
                let numbers: Vec<_> =
                    all.iter().copied().filter(|(at, _)| bytes[*at].is_ascii_digit()).collect();
                let of =
                    if numbers.is_empty() || rng.random_range(0..3) == 0 { &all } else { &numbers };
                if !of.is_empty() {
                    let (start, end) = *pick(rng, of);
                    let word = self.word(rng);
                    bytes.splice(start..end, word);
                }
            }
            9 => {
                let all = tokens(bytes);
                if !all.is_empty() {
                    let ((a, b), (c, d)) = (*pick(rng, &all), *pick(rng, &all));
                    if b <= c {
                        let (first, second) = (bytes[a..b].to_vec(), bytes[c..d].to_vec());
                        bytes.splice(c..d, first);
                        bytes.splice(a..b, second);
                    }
                }
            }
            10 => lines(rng, bytes),
            11 => {
                let word = self.word(rng);
                put(rng, bytes, &word);
            }
            12 => {
                let (open, close) = *pick(rng, NESTS);
                let most = if rng.random_range(0..4) == 0 { 20_000 } else { 200 };
                let depth = rng.random_range(1..most);
                let mut nest = open.repeat(depth);
                if rng.random_range(0..2) == 0 {
                    nest += &close.repeat(depth);
                }
                put(rng, bytes, nest.as_bytes());
            }
            _ => {
                // the head of this file, the tail of another
                let other = pick(rng, &self.seeds);
                let at = place(rng, bytes);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[place(rng, other)..]);
            }
        }
    }
}

/// A number of any size, in one of its spellings.
fn number(rng: &mut ChaCha8Rng) -> String {
    let digits: f64 = rng.random_range(0.0..10.0);
    match rng.random_range(0..4) {
        0 => format!("{digits}e{}", rng.random_range(-330..330)),
        1 => format!("{}", rng.random_range(0..300)),
        2 => format!("{}", rng.random::<u64>() >> rng.random_range(0..64)),
        _ => format!("{digits:.2}"),
    }
}

/// Repeats, drops or swaps lines.
fn lines(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
    match rng.random_range(0..4) {
        0 => drop(lines.remove(one)),
        1 => lines.swap(one, other),
        2 => lines.insert(other, lines[one].clone()),
        _ => {
            let line = lines[one].clone();
            let times = rng.random_range(1..300);
            lines.splice(other..other, std::iter::repeat_n(line, times));
        }
    }
    *bytes = lines.concat();
}

/// Words and numbers of a text, by their bytes.
fn tokens(bytes: &[u8]) -> Vec<(usize, usize)> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-+".contains(&byte);
    let mut found = Vec::new();
    let mut start = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (start, part(*byte)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| (from, bytes.len())));
    found
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, all: &'a [T]) -> &'a T {
    &all[rng.random_range(0..all.len())]
}

/// A place between bytes, its end included.
fn place(rng: &mut ChaCha8Rng, bytes: &[u8]) -> usize {
    rng.random_range(0..=bytes.len())
}

fn span(rng: &mut ChaCha8Rng, bytes: &[u8], longest: usize) -> (usize, usize) {
    let start = place(rng, bytes);
    (start, (start + rng.random_range(0..longest)).min(bytes.len()))
}

/// Puts bytes anywhere.
fn put(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, what: &[u8]) {
    let at = place(rng, bytes);
    bytes.splice(at..at, what.iter().copied());
}
