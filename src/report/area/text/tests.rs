use super::super::cases::{all, many, ramp, sharp, steps, strange};
use super::*;

/// The picture's columns, from the top.
fn picture_columns(text: &str, height: usize) -> Vec<String> {
    let rows: Vec<Vec<char>> =
        text.lines().take(height).map(|line| line.chars().skip(LEFT).collect()).collect();
    (0..rows[0].len()).map(|x| rows.iter().map(|row| row[x]).collect()).collect()
}

#[test]
fn rows_add_up_and_are_near_the_shares() {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    for round in 0..500 {
        let raw: Vec<f64> = (0..=round % 13).map(|_| (random() - 0.2).max(0.0)).collect();
        let sum: f64 = raw.iter().sum();
        if sum == 0.0 {
            continue;
        }
        let shares: Vec<f64> = raw.iter().map(|x| x / sum).collect();
        let mut before = Vec::new();
        for height in [1, 7, 20, 41] {
            before = rows(&shares, height, &before);
            assert_eq!(before.iter().sum::<usize>(), height, "{shares:?}");
            for (share, count) in shares.iter().zip(&before) {
                assert!((share * real(height) - real(*count)).abs() < 1.0 + 1e-9);
                assert!(*share > 0.0 || *count == 0);
            }
        }
    }
    assert_eq!(rows(&[0.6, 0.3, 0.1], 10, &[]), [6, 3, 1]);
    assert_eq!(rows(&[0.65, 0.35], 10, &[]), [7, 3]);
    assert_eq!(rows(&[0.65, 0.35], 10, &[6, 4]), [6, 4]);
    assert_eq!(rows(&[0.0, 0.0], 10, &[]), [0, 0]);
}

#[test]
fn columns_show_the_shares_in_their_middle() {
    let text = text(&ramp().areas(), 80, 20, true);
    let columns = picture_columns(&text, 20);
    assert_eq!(columns.len(), 73);
    let count = |x: usize, c: char| columns[x].chars().filter(|&at| at == c).count();
    assert_eq!(['a', 'b', 'c'].map(|c| count(0, c)), [12, 6, 2]);
    assert_eq!(['a', 'b', 'c'].map(|c| count(36, c)), [10, 7, 3]);
    assert_eq!(['a', 'b', 'c'].map(|c| count(72, c)), [8, 8, 4]);
    for (x, column) in columns.iter().enumerate() {
        assert_eq!(['a', 'b', 'c'].iter().map(|&c| count(x, c)).sum::<usize>(), 20);
        assert!(column.as_bytes().is_sorted(), "bands are in order from the top: {column}");
    }
    // a ramp in one direction moves no band back
    for x in 1..columns.len() {
        assert!(count(x, 'a') <= count(x - 1, 'a') && count(x, 'c') >= count(x - 1, 'c'));
    }
}

#[test]
fn no_line_is_longer_than_the_width() {
    for case in all() {
        for width in (24..=120).chain([250]) {
            for ascii in [false, true] {
                let text = text(&case.areas(), width, 12, ascii);
                for line in text.lines() {
                    assert!(wide(line) <= usize::from(width), "{width}: {line}");
                    assert_eq!(line, line.trim_end());
                }
                assert!(!ascii || text.is_ascii(), "{text}");
                assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            }
        }
    }
}

#[test]
fn a_boundary_is_marked_where_the_picture_changes() {
    for width in [40, 57, 80, 120] {
        let text = text(&sharp().areas(), width, 20, true);
        let columns = picture_columns(&text, 20);
        let changes: Vec<usize> =
            (1..columns.len()).filter(|&x| columns[x] != columns[x - 1]).collect();
        let floor = text.lines().nth(20).unwrap();
        let marks: Vec<usize> =
            floor.match_indices('|').map(|(at, _)| at.checked_sub(LEFT).unwrap()).collect();
        assert_eq!(marks.len(), 2, "{floor}");
        assert_eq!(marks, changes);
    }
}

#[test]
fn stages_are_named_under_their_span() {
    let text = text(&sharp().areas(), 120, 20, false);
    let line = text.lines().find(|line| line.starts_with("stage ")).unwrap();
    assert!(line.starts_with("stage  stable  "), "{line}");
    assert!(line.contains("│more code  ") && line.ends_with("│decay"), "{line}");
    assert!(!text.contains("stage stable"), "a list is for names that are cut");
    let narrow = super::text(&sharp().areas(), 50, 20, false);
    assert!(narrow.contains("│more…"), "{narrow}");
    assert!(narrow.contains("\nstage more code: 8 T to 10 T\n"), "{narrow}");
    assert!(narrow.contains("\nstage decay: 10 T to 11.1 T\n"), "{narrow}");
}

#[test]
fn a_stage_without_tokens_is_not_shown() {
    let case = strange();
    let text = text(&case.areas(), 80, 20, true);
    assert!(!text.contains("empty") && !text.contains("nothing"), "{text}");
    assert_eq!(case.areas().boundaries().len(), 3);
    let last = picture_columns(&text, 20).pop().unwrap();
    assert!(last.starts_with("aaaaaaa"), "{last}");
    let [_, end] = case.areas().ends(0.0, 1.0);
    assert!((end[0] - 4.0 / 10.001).abs() < 1e-9, "{end:?}");
}

#[test]
fn the_smallest_of_many_sources_are_gathered() {
    let text = text(&many(20).areas(), 80, 40, true);
    let mut seen: Vec<char> = picture_columns(&text, 40).concat().chars().collect();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() <= MOST && seen[0] == '*', "{seen:?}");
    let gathered = 20 - (seen.len() - 1);
    assert!(text.contains(&format!("*** {gathered} others")), "{text}");
    for name in many(20).names {
        assert!(text.contains(&name), "{name} is in the legend");
    }
    let bands = many(20).areas().bands(&many(20).areas().smallest(MOST));
    assert_eq!(bands.len(), MOST);
    assert_eq!(bands[MOST - 1].members.len(), 9);
    assert_eq!(many(12).areas().bands(&many(12).areas().smallest(MOST)).len(), 12);
}

#[test]
fn every_letter_of_the_legend_is_in_the_picture() {
    for height in [5, 10, 20] {
        let text = text(&many(20).areas(), 80, height, true);
        let height = usize::from(height);
        let cells = picture_columns(&text, height).concat();
        for line in text.lines().skip(height + 4) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| line.chars().nth(i).unwrap_or('-'));
            let swatch = a == b && b == c && d == ' ' && a != ' ';
            assert!(!swatch || cells.contains(a), "{line}\n{text}");
        }
    }
}

#[test]
fn a_thin_source_stays_in_the_legend() {
    let case = steps(&["web", "rare"], &[("all", 1e12, &[0.9996, 0.0004])]);
    let text = text(&case.areas(), 80, 20, false);
    assert!(text.contains("rare  <0.1 → <0.1 %"), "{text}");
}

#[test]
fn wide_characters_count_twice_when_cut() {
    assert_eq!(wide("日本a\u{301}"), 5);
    assert_eq!(cut("日本語", 6, '~'), "日本語");
    assert_eq!(cut("日本語", 5, '~'), "日本~");
    assert_eq!(cut("日本語", 4, '~'), "日~");
    assert_eq!(cut("two words", 5, '~'), "two~");
    assert_eq!(cut("ab", 1, '~'), "~");
    assert_eq!(cut("ab", 0, '~'), "");
}
