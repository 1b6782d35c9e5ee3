use super::super::cases::{all, many, ramp, sharp, steps, strange};
use super::labels::LINES;
use super::*;

/// Texts of the elements of a document; panics unless it is well formed.
fn texts(xml: &str) -> Vec<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut texts = Vec::new();
    let mut rest = xml.trim_end();
    while let Some(start) = rest.find('<') {
        let text = plain(&rest[..start]);
        assert!(!open.is_empty() || texts.is_empty() && text.is_empty(), "text outside");
        texts.push(text.trim().to_owned());
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            let body = tag.strip_suffix('/');
            let (name, mut attributes) = body.unwrap_or(tag).split_once(' ').unwrap();
            let mut seen = Vec::new();
            while !attributes.is_empty() {
                let (key, value) = attributes.split_once("=\"").expect("quoted");
                let (value, next) = value.split_once('"').expect("a value ends");
                assert!(key.chars().all(|c| c.is_alphanumeric() || c == '-'), "{key}");
                assert!(!seen.contains(&key), "{key} twice");
                seen.push(key);
                plain(value);
                attributes = next.trim_start();
            }
            if body.is_none() {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty() && rest.is_empty(), "all is closed");
    texts.retain(|text| !text.is_empty());
    texts
}

/// Text without its entities.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        let end = start + rest[start..].find(';').expect("an entity ends");
        out.push(match &rest[start..=end] {
            "&amp;" => '&',
            "&lt;" => '<',
            "&gt;" => '>',
            "&quot;" => '"',
            "&apos;" => '\'',
            other => panic!("{other}"),
        });
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{out:?}");
    out
}

/// Corners of all polygons.
fn polygons(svg: &str) -> Vec<Vec<(i32, i32)>> {
    let lines = svg.lines().filter(|line| line.starts_with("<polygon"));
    let points = lines.map(|line| line.split("points=\"").nth(1).unwrap());
    let numbers = points.map(|points| points.split('"').next().unwrap().split_whitespace());
    let pair = |pair: &str| {
        let (x, y) = pair.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    numbers.map(|pairs| pairs.map(pair).collect()).collect()
}

#[test]
fn documents_are_well_formed_and_the_same_each_time() {
    for case in all() {
        let svg = svg(&case.areas());
        texts(&svg);
        assert_eq!(svg, super::svg(&case.areas()));
        let head = r#"<svg width="900" height="420" viewBox="0 0 9000 4200""#;
        assert!(svg.starts_with(head), "{svg:.100}");
        let back = svg.lines().nth(1).unwrap();
        assert!(back.starts_with(r#"<rect x="0" y="0" width="#), "{back}");
        assert!(back.contains("#FFFFFF"), "{back}");
    }
}

#[test]
#[should_panic(expected = "left: Some(\"text\")")]
fn the_check_of_documents_can_fail() {
    texts("<svg a=\"1\"><text b=\"2\">x</svg></text>");
}

#[test]
fn what_is_named_is_shown_as_it_is() {
    let texts = texts(&svg(&strange().areas()));
    for name in ["web & <b>", "\"q\" 'a'", "main", "decay", "anneal\u{fffd}ing"] {
        assert!(texts.iter().any(|text| text == name), "{name}: {texts:?}");
    }
    for name in ["tokens", "share of tokens", "0 %", "100 %", "start → end", "63 B"] {
        assert!(texts.iter().any(|text| text == name), "{name}: {texts:?}");
    }
    for name in ["empty", "nothing"] {
        assert!(!texts.iter().any(|text| text == name), "{name}: {texts:?}");
    }
}

#[test]
fn boundaries_are_vertical() {
    let svg = svg(&sharp().areas());
    let polygons = polygons(&svg);
    assert_eq!(polygons.len(), 3);
    let width = f64::from(polygons[0][0].0.abs_diff(polygons[0].iter().max().unwrap().0));
    for area in &polygons[1..] {
        let edge = &area[..area.len() - 2];
        let xs: Vec<f64> = edge.iter().map(|&(x, _)| f64::from(x - edge[0].0) / width).collect();
        let wanted = [0.0, 8.0 / 11.1, 8.0 / 11.1, 10.0 / 11.1, 10.0 / 11.1, 1.0];
        assert_eq!(xs.len(), wanted.len(), "{edge:?}");
        assert!(xs.iter().zip(wanted).all(|(x, y)| (x - y).abs() < 1e-3), "{xs:?}");
        assert!(edge[1].0 == edge[2].0 && edge[1].1 != edge[2].1, "{edge:?}");
        assert!(edge[0].1 == edge[1].1 && edge[2].1 == edge[3].1, "{edge:?}");
    }
    let dashes = svg.matches("stroke-width=\"12\"").count();
    assert!(dashes > 2 * 20, "{dashes}");
}

#[test]
fn ramps_are_smooth_and_shares_to_scale() {
    let polygons = polygons(&svg(&ramp().areas()));
    let [full, lower, lowest] = &polygons[..] else { panic!("three bands") };
    assert!(lower.len() > 200);
    let (top, bottom) = (f64::from(full[0].1), f64::from(full[full.len() - 1].1));
    let share = |y: i32| (bottom - f64::from(y)) / (bottom - top);
    let ends = |area: &[(i32, i32)]| [area[0], area[area.len() - 3]].map(|at| share(at.1));
    for (area, wanted) in [(full, [1.0, 1.0]), (lower, [0.4, 0.6]), (lowest, [0.1, 0.2])] {
        let ends = ends(area);
        assert!(ends.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-3), "{ends:?}");
    }
    let edge = &lower[..lower.len() - 2];
    assert!(edge.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1.abs_diff(two[1].1) < 20));
}

#[test]
fn many_sources_are_gathered() {
    let svg = svg(&many(70).areas());
    assert_eq!(polygons(&svg).len(), MOST);
    assert!(texts(&svg).contains(&"51 others".to_owned()));
    assert_eq!(polygons(&super::svg(&many(20).areas())).len(), 20);
    let mut colours = COLOURS.map(|RGBColor(r, g, b)| (r, g, b)).to_vec();
    colours.push((OTHERS.0, OTHERS.1, OTHERS.2));
    colours.sort_unstable();
    colours.dedup();
    assert_eq!(colours.len(), COLOURS.len() + 1);
}

#[test]
fn names_of_stages_do_not_touch() {
    let limits = (66.0, 892.0);
    let names = ["pretraining", "anneal", "long context", "a", "a stage with a long name"];
    let mut state = 7_u32;
    let mut most = 0;
    for _ in 0..300 {
        let mut at = limits.0;
        let mut stages = Vec::new();
        while at < 640.0 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [name, length] = [state >> 28, (state >> 16) & 0xff];
            let end = (at + f64::from(length) + 2.0).min(640.0);
            stages.push((names[name as usize % names.len()].to_owned(), at, end));
            at = end;
        }
        let labels = labels(&stages, limits);
        most = most.max(labels.len());
        for (i, a) in labels.iter().enumerate() {
            assert!(a.ends.0 >= limits.0 && a.ends.1 <= limits.1 && a.line < LINES);
            for b in &labels[..i] {
                let gap = (a.ends.0 - b.ends.1).max(b.ends.0 - a.ends.1);
                assert!(a.line != b.line || gap >= 0.0, "{stages:?}");
                let (low, high) = if a.line < b.line { (a, b) } else { (b, a) };
                let over = low.ends.0 <= high.middle && high.middle <= low.ends.1;
                assert!(low.line == high.line || !over, "{stages:?}");
            }
        }
    }
    assert!(most > 5);
}

#[test]
fn short_stages_at_the_end_keep_their_names() {
    let stages = [("pretraining", 14e12), ("annealing", 5e11), ("long context", 4e11)];
    let case = steps(&["web"], &stages.map(|(name, tokens)| (name, tokens, &[1.0][..])));
    let texts = texts(&svg(&case.areas()));
    for (name, _) in stages {
        assert!(texts.iter().any(|text| text == name), "{name}: {texts:?}");
    }
}
