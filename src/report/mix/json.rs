//! The curriculum as JSON.

use super::{Answer, Course, course, progress};
use crate::plan::DerivedData;
use serde_json::{Value, json};

/// Version of the JSON of a mix.
const VERSION: u32 = 1;

/// The curriculum as JSON: versioned, in tokens, unrounded, with the mixture at so many points;
/// without stages, the data alone.
///
/// # Panics
/// Never: the document has string keys and finite numbers only.
#[must_use]
pub fn mix_json(answer: &Answer, points: u32) -> String {
    let data = answer.derivation.derived.data.as_ref();
    let document = match course(answer) {
        Some(course) => course_json(answer, &course, data, points),
        None => json!({ "version": VERSION, "data": data }),
    };
    serde_json::to_string_pretty(&document).expect("a mix is JSON") + "\n"
}

fn course_json(answer: &Answer, course: &Course, data: Option<&DerivedData>, of: u32) -> Value {
    let names = &course.curriculum.names;
    let row = |weights: &[f64]| -> Value {
        names
            .iter()
            .cloned()
            .zip(weights.iter().map(|w| json!(w)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let stages = course.placed.iter().enumerate().map(|(index, stage)| {
        let drawn: Vec<f64> = stage.mean.iter().map(|mean| mean * stage.tokens.0).collect();
        let mut object = json!({
            "name": stage.name,
            "kind": stage.kind,
            "start_tokens": stage.start_tokens,
            "tokens": stage.tokens,
            "first": row(&stage.first),
            "last": row(&stage.last),
            "mean": row(&stage.mean),
            "drawn": row(&drawn),
        });
        let mut also = |key: &str, value: Option<Value>| {
            if let (Some(map), Some(value)) = (object.as_object_mut(), value) {
                map.insert(key.to_owned(), value);
            }
        };
        also("steps", stage.steps.map(|steps| json!(steps)));
        also("stepped_tokens", stage.stepped().map(|tokens| json!(tokens)));
        also(
            "stepped_drawn",
            stage.stepped_draws().map(|drawn| {
                let tokens = drawn.into_iter().map(Value::from);
                names.iter().cloned().zip(tokens).collect::<serde_json::Map<_, _>>().into()
            }),
        );
        also("sequence", stage.training.sequence.map(|sequence| json!(sequence)));
        also("rope_base", stage.training.rope_base.map(|base| json!(base)));
        also("batch_tokens", stage.training.batch_tokens.map(|batch| json!(batch)));
        also(
            "kept",
            course.curriculum.kept(index).map(|knots| {
                let knots =
                    knots.iter().map(|(at, weights)| json!({ "at": at, "mixture": row(weights) }));
                knots.collect()
            }),
        );
        object
    });
    let points = (0..of).map(|point| {
        let progress = progress(point, of);
        let weights = course.curriculum.weights(&course.placed, progress);
        json!({ "tokens": course.tokens.0 * progress, "mixture": row(&weights) })
    });
    let hand_offs = course.hand_offs().into_iter().map(|hand_off| {
        let mut object = json!({
            "from": hand_off.from,
            "to": hand_off.to,
            "tokens": hand_off.tokens,
        });
        if let (Some(map), Some(step)) = (object.as_object_mut(), hand_off.step) {
            map.insert("step".to_owned(), json!(step));
        }
        object
    });
    json!({
        "version": VERSION,
        "tokens": answer.derivation.point.map(|point| point.tokens),
        "tokens_after": course.curriculum.tokens_after(),
        "stages": stages.collect::<Vec<_>>(),
        "hand_offs": hand_offs.collect::<Vec<_>>(),
        "points": points.collect::<Vec<_>>(),
        "loader": answer.derivation.loader.map(|loader| &loader.name),
        "data": data,
    })
}
