//! Runs from CSV, good and bad.

use plan::fit::{Filter, ReadRunsError, Role, Runs, read};
use plan::quantity::FlopsPerParamToken;
use std::io::{self, Read};

fn parse(text: &str) -> Result<Runs, ReadRunsError> {
    read(text.as_bytes(), &[], &[], 0, FlopsPerParamToken::TRAINING)
}

fn fails(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn filtered(text: &str, conditions: &[&str]) -> Runs {
    let filters: Vec<Filter> = conditions.iter().map(|text| text.parse().unwrap()).collect();
    read(text.as_bytes(), &[], &filters, 0, FlopsPerParamToken::TRAINING).unwrap()
}

#[test]
fn common_names_are_recognised() {
    let runs = parse("name,Model Size,Training FLOP,Val. Loss\na,1e9,6e19,2.5\n").unwrap();
    let run = runs.runs[0];
    assert!((run.tokens / 1e10 - 1.0).abs() < 1e-12 && (run.loss - 2.5).abs() < 1e-12);
    assert_eq!((run.line, runs.rows), (2, 1));
    let runs = parse("\u{feff}N,D,loss,weight\n70M, 1.4B ,3.5,2\n").unwrap().runs;
    assert!((runs[0].params, runs[0].tokens, runs[0].weight) == (70e6, 1.4e9, 2.0), "{runs:?}");
    // its own name beats others for a role
    assert!(parse("params,tokens,loss,val_loss\n1,1,2,3\n").is_ok());
    assert!(fails("params,tokens,val_loss,test_loss\n1,1,2,3\n").contains("--column loss="));
}

#[test]
fn columns_can_be_named() {
    let map = [(Role::Loss, "c4".to_owned()), (Role::Params, "Size".to_owned())];
    let text = "size,tokens,c4,loss\n1e9,1e10,2.5,9\n";
    let k = FlopsPerParamToken::TRAINING;
    let runs = read(text.as_bytes(), &map, &[], 0, k).unwrap();
    assert!((runs.runs[0].loss - 2.5).abs() < 1e-12);
    let wrong = [(Role::Loss, "c5".to_owned())];
    let error = read(text.as_bytes(), &wrong, &[], 0, k).unwrap_err().to_string();
    assert!(error.contains("no column is called `c5`"), "{error}");
}

#[test]
fn missing_columns_name_the_nearest() {
    let error = fails("params,tokns,loss\n1,1,1\n");
    assert!(error.contains("training tokens") && error.contains("`tokns`"), "{error}");
    assert!(fails("params,tokens,lss\n1,1,1\n").contains("--column loss=\"NAME\""));
    assert_eq!(parse(""), Err(ReadRunsError::Empty));
    assert_eq!(parse("params,tokens,loss\n"), Err(ReadRunsError::NoRows { rows: 0 }));
}

#[test]
fn bad_fields_have_their_line_and_column() {
    let head = "params,tokens,loss\n1e9,1e10,2.5\n";
    for (row, told) in [
        ("1e9,1e10,abc", "line 3, column 3 (`loss`): `abc` is not a number"),
        ("1e9,1e10,-2", "line 3, column 3 (`loss`): `-2` cannot be the loss"),
        ("1e9,1e10,NaN", "line 3, column 3 (`loss`): `NaN` cannot be the loss"),
        ("1e9,0,2", "line 3, column 2 (`tokens`): `0` cannot be"),
        ("1e9,inf,2", "line 3, column 2 (`tokens`): `inf` cannot be"),
        ("1e9,,2", "line 3, column 2 (`tokens`) is empty"),
        ("1e9,1e10", "line 3: 2 fields, where the header has 3"),
    ] {
        let error = fails(&format!("{head}{row}\n"));
        assert!(error.contains(told), "{error}");
    }
    let latin = [head.as_bytes(), b"1e9,1e10,\xe9\n"].concat();
    let error = read(&latin[..], &[], &[], 0, FlopsPerParamToken::TRAINING).unwrap_err();
    assert!(error.to_string().contains("line 3: field 3 is not UTF-8"), "{error}");
}

#[test]
fn conditions_leave_rows_out() {
    let text = "params,flops,loss,set\n1e9,6e19,2.5,c4\n1e9,6e21,2.0,pile\n1e9,6e20,nan,c4\n1e9,6e20,,c4\n";
    let lines = |conditions: &[&str]| -> Vec<u64> {
        filtered(text, conditions).runs.iter().map(|run| run.line).collect()
    };
    assert_eq!(lines(&["flops<1e21", "loss>0"]), [2]);
    assert_eq!(lines(&["loss>0"]), [2, 3]);
    assert_eq!(lines(&["set=pile"]), [3]);
    assert_eq!(lines(&["tokens>=1e10", "loss < 2.4"]), [3]);
    assert_eq!(lines(&["set != c4"]), [3]);
    for text in ["flops", "<3", "flops<", "flops<x", ""] {
        assert!(text.parse::<Filter>().is_err(), "{text}");
    }
    let unknown = ["sett=c4".parse().unwrap()];
    let error = read(text.as_bytes(), &[], &unknown, 0, FlopsPerParamToken::TRAINING).unwrap_err();
    assert!(error.to_string().contains("did you mean `set`?"), "{error}");
}

#[test]
fn the_largest_losses_are_dropped() {
    let text = "params,tokens,loss\n1,1,3\n1,1,9\n1,1,2\n1,1,9\n1,1,5\n";
    let dropped = |count| read(text.as_bytes(), &[], &[], count, FlopsPerParamToken::TRAINING);
    let lines: Vec<u64> = dropped(2).unwrap().runs.iter().map(|run| run.line).collect();
    assert_eq!(lines, [2, 4, 6]);
    assert_eq!(dropped(5), Err(ReadRunsError::NothingLeft { count: 5, rows: 5 }));
}

/// FNV-1a, 64 bit: the hash of "a" is af63dc4c8601ec8c (Fowler, Noll and Vo's test vectors).
#[test]
fn the_hash_is_that_of_the_bytes() {
    // the header alone is no run: the hash is of a whole file
    let one = parse("params,tokens,loss\n1,1,1\n").unwrap().hash;
    let other = parse("params,tokens,loss\n1,1,2\n").unwrap().hash;
    assert!(one != other && one.len() == 16, "{one} {other}");
}

/// Bytes without an end.
struct Endless(u64, u8);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(self.0 < 4 << 20, "{} bytes of one line were read", self.0);
        buffer.fill(self.1);
        self.0 += buffer.len() as u64;
        Ok(buffer.len())
    }
}

#[test]
fn endless_lines_are_not_read() {
    let k = FlopsPerParamToken::TRAINING;
    let error = read(Endless(0, b'7'), &[], &[], 0, k).unwrap_err();
    assert_eq!(error, ReadRunsError::Endless { line: 1 });
    let open_quote = "params,tokens,loss\n1,1,\"".as_bytes();
    let error = read(open_quote.chain(Endless(0, b'\n')), &[], &[], 0, k).unwrap_err();
    assert_eq!(error, ReadRunsError::Endless { line: 2 });
}
