//! Generic keys to a shape.

use super::{NormKey, QkNormKey, ShapeKeys};
use crate::model::error::ShapeError;
use crate::model::shape::{
    Attention, Block, Experts, FeedForward, Grouped, Latent, MAX_SIZE, Mlp, Norm, Positions,
    QkNorm, Shape, Stack,
};

/// Norms of the stream in a layer; the most that is published is 4.
pub(super) const MAX_NORMS: u64 = 8;

impl ShapeKeys {
    /// The shape that the keys say.
    ///
    /// ```
    /// let keys: plan::model::ShapeKeys = toml::from_str(
    ///     "layers = 32\nhidden = 4096\nheads = 32\nkv_heads = 8\nffn = 14336\nvocab = 128256",
    /// )?;
    /// assert_eq!(keys.shape()?.count().total(), 8_030_261_248);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Keys that are missing, absurd, do not divide, or contradict each other.
    pub fn shape(&self) -> Result<Shape, ShapeError> {
        let layers = needed("layers", self.layers)?;
        let hidden = needed("hidden", self.hidden)?;
        let attention = self.attention(hidden)?;
        let dense = self.dense_layers.unwrap_or(0);
        let mut stacks = Vec::new();
        if self.experts.is_some() && dense >= layers {
            let message = format!("`dense_layers` is {dense}, `layers` {layers}");
            let help = if dense == layers {
                "no layer is left for the experts: leave out `dense_layers` and the keys of experts"
            } else {
                "no more layers can be dense than there are"
            };
            return Err(ShapeError::new(Some("dense_layers"), message, help.to_owned()));
        }
        let norms = self.norms.unwrap_or(2);
        if norms > MAX_NORMS {
            let help = format!("a layer has 1, 2 or 4 norms of the stream, {MAX_NORMS} at most");
            return Err(ShapeError::new(Some("norms"), format!("`norms` is {norms}"), help));
        }
        let mut stack = |layers: u64, feed_forward| {
            if layers > 0 {
                stacks.push(Stack { layers, block: Block { attention, feed_forward, norms } });
            }
        };
        match self.experts()? {
            None => stack(layers, FeedForward::Dense(self.mlp(needed("ffn", self.ffn)?))),
            Some(experts) => {
                if dense > 0 {
                    stack(dense, FeedForward::Dense(self.mlp(needed("ffn", self.ffn)?)));
                }
                stack(layers - dense, FeedForward::Experts(experts));
            }
        }
        let shape = Shape {
            vocab: needed("vocab", self.vocab)?,
            hidden,
            embedding_width: hidden,
            embedding_norm: false,
            positions: self.positions.map_or(Positions::Free, Positions::Learned),
            norm: match self.norm {
                None | Some(NormKey::Rms) => Norm::Scale,
                Some(NormKey::Layer) => Norm::Layer,
            },
            final_norm: true,
            tied: self.tied.unwrap_or(false),
            stacks,
        };
        shape.check()?;
        Ok(shape)
    }

    fn attention(&self, hidden: u64) -> Result<Attention, ShapeError> {
        let heads = needed("heads", self.heads)?;
        if heads == 0 {
            let help = format!("write a whole number from 1 to {MAX_SIZE}");
            return Err(ShapeError::new(Some("heads"), "`heads` is 0".to_owned(), help));
        }
        let bias = self.bias.unwrap_or(false);
        let Some(kv_rank) = self.kv_rank else {
            for (key, value) in [
                ("q_rank", self.q_rank),
                ("rope_dim", self.rope_dim),
                ("value_dim", self.value_dim),
            ] {
                together(key, value.is_some(), "kv_rank")?;
            }
            return Ok(Attention::Grouped(Grouped {
                heads,
                kv_heads: self.kv_heads.unwrap_or(heads),
                head_dim: self.head_dim.map_or_else(|| split(hidden, heads), Ok)?,
                qkv_bias: self.qkv_bias.unwrap_or(bias),
                out_bias: bias,
                qk_norm: match self.qk_norm {
                    None => QkNorm::None,
                    Some(QkNormKey::Shared) => QkNorm::Shared,
                    Some(QkNormKey::Whole) => QkNorm::Whole,
                },
                sinks: false,
            }));
        };
        for (key, there) in [
            ("kv_heads", self.kv_heads.is_some()),
            ("qk_norm", self.qk_norm.is_some()),
            ("qkv_bias", self.qkv_bias.is_some()),
        ] {
            if there {
                let message = format!("`{key}` stands beside `kv_rank`");
                let help = "latent attention has none: leave one of them out".to_owned();
                return Err(ShapeError::new(Some(key), message, help));
            }
        }
        let nope_dim = needed("head_dim", self.head_dim)?;
        Ok(Attention::Latent(Latent {
            heads,
            q_rank: self.q_rank,
            kv_rank,
            nope_dim,
            rope_dim: needed("rope_dim", self.rope_dim)?,
            value_dim: self.value_dim.unwrap_or(nope_dim),
            bias,
        }))
    }

    fn mlp(&self, width: u64) -> Mlp {
        Mlp { width, gated: self.gated.unwrap_or(true), bias: self.bias.unwrap_or(false) }
    }

    fn experts(&self) -> Result<Option<Experts>, ShapeError> {
        let Some(count) = self.experts else {
            for (key, value) in [
                ("experts_per_token", self.experts_per_token),
                ("expert_ffn", self.expert_ffn),
                ("shared_ffn", self.shared_ffn),
                ("dense_layers", self.dense_layers),
            ] {
                together(key, value.is_some(), "experts")?;
            }
            return Ok(None);
        };
        let width = self.expert_ffn.or(self.ffn);
        if self.expert_ffn.is_some() && self.ffn.is_some() && self.dense_layers.unwrap_or(0) == 0 {
            let message =
                "no layer has the `ffn`: every one is a mixture of `expert_ffn`".to_owned();
            let help = "leave `ffn` out, or state the `dense_layers` that have it".to_owned();
            return Err(ShapeError::new(Some("ffn"), message, help));
        }
        if self.shared_ffn == Some(0) {
            let help = "leave it out where no expert works on every token".to_owned();
            return Err(ShapeError::new(Some("shared_ffn"), "`shared_ffn` is 0".to_owned(), help));
        }
        Ok(Some(Experts {
            count,
            per_token: needed("experts_per_token", self.experts_per_token)?,
            expert: self.mlp(needed("expert_ffn", width)?),
            shared: self.shared_ffn.map(|width| self.mlp(width)),
            shared_gate: false,
            router_bias: false,
        }))
    }
}

fn needed(key: &'static str, value: Option<u64>) -> Result<u64, ShapeError> {
    value.ok_or_else(|| {
        let help = format!("write `{key} = …`; a shape needs layers, hidden, heads, ffn and vocab");
        ShapeError::new(Some(key), format!("`{key}` is missing"), help)
    })
}

/// That a key does not stand without the one that it belongs to.
fn together(key: &str, there: bool, owner: &str) -> Result<(), ShapeError> {
    if !there {
        return Ok(());
    }
    let message = format!("`{key}` stands without `{owner}`");
    Err(ShapeError::new(Some(key), message, format!("write `{owner}` too, or leave `{key}` out")))
}

/// The hidden width over the heads.
fn split(hidden: u64, heads: u64) -> Result<u64, ShapeError> {
    if heads > 0 && hidden.is_multiple_of(heads) {
        return Ok(hidden / heads);
    }
    let message = format!("`hidden` {hidden} does not divide into `heads` {heads}");
    let help = "`hidden` must be a multiple of `heads`, or `head_dim` stated".to_owned();
    Err(ShapeError::new(Some("heads"), message, help))
}
