//! Whether a shape can be.

use super::{Attention, FeedForward, Grouped, MAX_LAYERS, MAX_PARAMS, MAX_SIZE, Positions, Shape};
use crate::model::error::ShapeError;

impl Shape {
    /// Whether the shape can be: every size in its range, heads that divide, no more experts on a
    /// token than there are, and a total below 1e17.
    ///
    /// Counting never overflows, whether or not this was asked.
    ///
    /// # Errors
    /// The first thing that cannot be, by the generic key that says it.
    pub fn check(&self) -> Result<(), ShapeError> {
        in_range("layers", self.layers(), MAX_LAYERS)?;
        in_range("vocab", self.vocab, MAX_SIZE)?;
        in_range("hidden", self.hidden, MAX_SIZE)?;
        in_range("embedding_width", self.embedding_width, MAX_SIZE)?;
        if let Positions::Learned(rows) = self.positions {
            in_range("positions", rows, MAX_SIZE)?;
        }
        for (_, block) in self.blocks() {
            block.attention.check()?;
            block.feed_forward.check()?;
        }
        let params = self.count().total();
        if params > MAX_PARAMS {
            let (layers, hidden, vocab) = (self.layers(), self.hidden, self.vocab);
            let message = format!(
                "the shape has {params} parameters: {layers} layers, hidden {hidden}, vocab {vocab}"
            );
            let help = "a model has at most 1e17: one of its sizes is a slip".to_owned();
            return Err(ShapeError::new(None, message, help));
        }
        Ok(())
    }
}

impl Attention {
    fn check(&self) -> Result<(), ShapeError> {
        match self {
            Self::Grouped(grouped) => {
                let Grouped { heads, kv_heads, head_dim, .. } = *grouped;
                in_range("heads", heads, MAX_SIZE)?;
                in_range("kv_heads", kv_heads, MAX_SIZE)?;
                in_range("head_dim", head_dim, MAX_SIZE)?;
                if heads % kv_heads == 0 {
                    return Ok(());
                }
                let message = if kv_heads > heads {
                    format!("`kv_heads` is {kv_heads}, `heads` only {heads}")
                } else {
                    format!("{heads} `heads` do not divide into {kv_heads} `kv_heads`")
                };
                let help = format!(
                    "`kv_heads` must divide `heads`: write 1, {heads}, or a number between that \
                     divides {heads}"
                );
                Err(ShapeError::new(Some("kv_heads"), message, help))
            }
            Self::Latent(latent) => {
                in_range("heads", latent.heads, MAX_SIZE)?;
                in_range("kv_rank", latent.kv_rank, MAX_SIZE)?;
                in_range("q_rank", latent.q_rank.unwrap_or(1), MAX_SIZE)?;
                in_range("head_dim", latent.nope_dim, MAX_SIZE)?;
                in_range("rope_dim", latent.rope_dim, MAX_SIZE)?;
                in_range("value_dim", latent.value_dim, MAX_SIZE)
            }
        }
    }
}

impl FeedForward {
    fn check(&self) -> Result<(), ShapeError> {
        match self {
            Self::Dense(mlp) => in_range("ffn", mlp.width, MAX_SIZE),
            Self::Experts(experts) => {
                in_range("experts", experts.count, MAX_SIZE)?;
                in_range("expert_ffn", experts.expert.width, MAX_SIZE)?;
                in_range("shared_ffn", experts.shared.map_or(1, |s| s.width.max(1)), u64::MAX)?;
                let range = (experts.per_token, experts.count);
                in_range("experts_per_token", range.0, range.1)
            }
        }
    }
}

fn in_range(key: &'static str, value: u64, most: u64) -> Result<(), ShapeError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    let help = format!("write a whole number from 1 to {most}");
    Err(ShapeError::new(Some(key), format!("`{key}` is {value}"), help))
}
