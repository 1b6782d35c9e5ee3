//! Keys to a shape, by the data of a family.

use super::{Family, Ffn, HeadDim, Kv, Mixture, Norms, Shared, Sparse, Switch};
use crate::model::config::{Keys, key, needed};
use crate::model::error::ShapeError;
use crate::model::shape::{
    Attention, Block, Experts, FeedForward, Grouped, Latent, MAX_LAYERS, Mlp, Positions, QkNorm,
    Shape,
};

impl Family {
    /// The shape that the keys describe.
    pub fn shape(&self, keys: &mut Keys) -> Result<Shape, ShapeError> {
        let hidden = keys.size(self.hidden)?;
        let positions = match self.positions {
            None => Positions::Free,
            Some((rows, more)) => Positions::Learned(keys.size(rows)? + more),
        };
        let name = "tie_word_embeddings";
        let tied = keys.switch(name, self.tied)?;
        if keys.get(name).is_none() {
            let meaning = if tied { "the head is the embedding" } else { "the head is a matrix" };
            keys.notes.push(format!("`{name}` is left out: its class takes {tied}, {meaning}"));
        }
        let mut shape = Shape {
            vocab: keys.size(self.vocab)?,
            hidden,
            embedding_width: hidden,
            embedding_norm: self.embedding_norm,
            positions,
            norm: self.norm,
            final_norm: true,
            tied,
            stacks: Vec::new(),
        };
        let attention = if self.latent {
            Attention::Latent(self.latent(keys)?)
        } else {
            Attention::Grouped(self.grouped(keys, hidden)?)
        };
        for feed_forward in self.feed_forwards(keys, hidden)? {
            shape.push(Block { attention, feed_forward, norms: self.norms });
        }
        (self.adjust)(&mut shape, keys)?;
        Ok(shape)
    }

    fn grouped(&self, keys: &mut Keys, hidden: u64) -> Result<Grouped, ShapeError> {
        let heads = keys.size(self.heads)?;
        let kv_heads = match self.kv {
            Kv::Heads => heads,
            Kv::Key { absent, nullable } => {
                let name = "num_key_value_heads";
                let known = key(name, absent.unwrap_or(heads));
                let given =
                    if nullable { keys.unless_null(1, known)? } else { Some(keys.size(known)?) };
                let kv_heads = given.unwrap_or(heads);
                let left_out = keys.get(name).is_none();
                let class =
                    format!("write `{name}`: it is left out, and its class takes {kv_heads}");
                divides((self.heads.name, heads), (name, kv_heads)).map_err(|error| {
                    ShapeError { help: if left_out { class } else { error.help }, ..error }
                })?;
                kv_heads
            }
        };
        let head_dim = match self.head_dim {
            HeadDim::Split => None,
            HeadDim::Key { nullable: true, .. } if keys.is_null("head_dim") => None,
            HeadDim::Key { absent: None, .. } if keys.get("head_dim").is_none() => None,
            HeadDim::Key { absent, .. } => Some(keys.size(key("head_dim", absent.unwrap_or(0)))?),
        };
        Ok(Grouped {
            heads,
            kv_heads,
            head_dim: head_dim.map_or_else(|| self.split(hidden, heads), Ok)?,
            qkv_bias: self.qkv_bias.read(keys)?,
            out_bias: self.out_bias.read(keys)?,
            qk_norm: self.qk_norm.read(keys)?,
            sinks: self.sinks,
        })
    }

    /// The hidden width over the heads.
    fn split(&self, hidden: u64, heads: u64) -> Result<u64, ShapeError> {
        if hidden.is_multiple_of(heads) {
            return Ok(hidden / heads);
        }
        let (width, name) = (self.hidden.name, self.heads.name);
        Err(ShapeError::new(
            Some(name),
            format!("`{width}` {hidden} does not divide into `{name}` {heads}"),
            match self.head_dim {
                HeadDim::Split => format!("`{width}` must be a multiple of `{name}`"),
                HeadDim::Key { .. } => {
                    format!("`{width}` must be a multiple of `{name}`, or `head_dim` stated")
                }
            },
        ))
    }

    fn latent(&self, keys: &mut Keys) -> Result<Latent, ShapeError> {
        Ok(Latent {
            heads: keys.size(self.heads)?,
            q_rank: keys.unless_null(1, key("q_lora_rank", 1536))?,
            kv_rank: keys.size(needed("kv_lora_rank", 512))?,
            nope_dim: keys.size(needed("qk_nope_head_dim", 128))?,
            rope_dim: keys.size(needed("qk_rope_head_dim", 64))?,
            value_dim: keys.size(needed("v_head_dim", 128))?,
            bias: self.qkv_bias.read(keys)?,
        })
    }

    /// The feed-forward of each layer. A key that no layer uses is not read.
    fn feed_forwards(&self, keys: &mut Keys, hidden: u64) -> Result<Vec<FeedForward>, ShapeError> {
        let layers = keys.size(self.layers)?;
        if layers > MAX_LAYERS {
            return Err(ShapeError::new(
                Some(self.layers.name),
                format!("`{}` is {layers}", self.layers.name),
                format!("write a whole number from 1 to {MAX_LAYERS}"),
            ));
        }
        let sparse = match &self.experts {
            None => vec![false; usize::try_from(layers).unwrap_or(0)],
            Some(mixture) => mixture.sparse(keys, layers)?,
        };
        let dense = if sparse.contains(&false) {
            Some(FeedForward::Dense(self.mlp(keys, hidden)?))
        } else {
            None
        };
        let experts = match &self.experts {
            Some(mixture) if sparse.contains(&true) => {
                Some(FeedForward::Experts(self.mixture(mixture, keys, hidden)?))
            }
            _ => None,
        };
        Ok(sparse.iter().filter_map(|sparse| if *sparse { experts } else { dense }).collect())
    }

    fn mlp(&self, keys: &mut Keys, hidden: u64) -> Result<Mlp, ShapeError> {
        let width = match self.ffn {
            Ffn::Key(width) => keys.size(width)?,
            Ffn::FourTimes(name) => {
                let given = name.map_or(Ok(None), |name| keys.given(name, 1))?;
                given.unwrap_or(hidden.saturating_mul(4))
            }
        };
        Ok(Mlp { width, gated: self.gated, bias: self.mlp_bias.read(keys)? })
    }

    fn mixture(
        &self,
        mixture: &Mixture,
        keys: &mut Keys,
        hidden: u64,
    ) -> Result<Experts, ShapeError> {
        let count = keys.size(mixture.count)?;
        let expert = match mixture.width {
            None => self.mlp(keys, hidden)?,
            Some(width) => {
                Mlp { width: keys.size(width)?, gated: self.gated, bias: self.mlp_bias.read(keys)? }
            }
        };
        let shared = match mixture.shared {
            Shared::None => None,
            Shared::Gated(width) => Some(keys.size_from(0, width)?),
            Shared::Count(count, nullable) => {
                let given = if nullable {
                    keys.unless_null(0, count)?
                } else {
                    Some(keys.size_from(0, count)?)
                };
                given.map(|count| count.saturating_mul(expert.width))
            }
        };
        Ok(Experts {
            count,
            per_token: mixture.per_token(keys, count)?,
            expert,
            shared: shared.map(|width| Mlp { width, ..expert }),
            shared_gate: matches!(mixture.shared, Shared::Gated(_)),
            router_bias: mixture.router_bias,
        })
    }
}

impl Mixture {
    /// For each layer whether it is a mixture.
    fn sparse(&self, keys: &mut Keys, layers: u64) -> Result<Vec<bool>, ShapeError> {
        let (first, step, dense) = match self.layers {
            Sparse::All => (0, 1, Vec::new()),
            Sparse::AfterDense(default) => {
                (keys.size_from(0, key("first_k_dense_replace", default))?, 1, Vec::new())
            }
            Sparse::Stepped if keys.size_from(0, self.count)? == 0 => (layers, 1, Vec::new()),
            Sparse::Stepped => {
                let mut dense = keys.layers("mlp_only_layers")?;
                dense.sort_unstable();
                (0, keys.size(key("decoder_sparse_step", 1))?, dense)
            }
        };
        let sparse = |layer: u64| {
            layer >= first
                && (layer + 1).is_multiple_of(step)
                && dense.binary_search(&layer).is_err()
        };
        Ok((0..layers).map(sparse).collect())
    }

    fn per_token(&self, keys: &mut Keys, count: u64) -> Result<u64, ShapeError> {
        let name = "num_experts_per_tok";
        let known = self.per_token.map(|default| needed(name, default));
        let per_token = match known {
            Some(known) => keys.size(known)?,
            None => keys.given(name, 1)?.ok_or_else(|| {
                let message = format!("`{name}` is missing, and the class has no value of its own");
                let help = format!("write how many of the {count} experts work on a token");
                ShapeError::new(Some(name), message, help)
            })?,
        };
        if per_token <= count {
            return Ok(per_token);
        }
        let experts = self.count.name;
        Err(ShapeError::new(
            Some(name),
            format!("`{name}` is {per_token}, `{experts}` {count}"),
            format!("a token can have at most the {count} experts there are"),
        ))
    }
}

impl Switch {
    fn read(self, keys: &Keys) -> Result<bool, ShapeError> {
        match self {
            Self::Off => Ok(false),
            Self::On => Ok(true),
            Self::Key(name, default) => keys.switch(name, default),
        }
    }
}

impl Norms {
    fn read(self, keys: &Keys) -> Result<QkNorm, ShapeError> {
        Ok(match self {
            Self::Shared => QkNorm::Shared,
            Self::Whole => QkNorm::Whole,
            Self::WholeIf(name) if keys.switch(name, false)? => QkNorm::Whole,
            Self::None | Self::WholeIf(_) => QkNorm::None,
        })
    }
}

/// That key and value heads divide the heads, each by the name of its key.
pub(super) fn divides(heads: (&str, u64), kv: (&str, u64)) -> Result<(), ShapeError> {
    if heads.1.is_multiple_of(kv.1) {
        return Ok(());
    }
    let ((name, heads), (kv_name, kv_heads)) = (heads, kv);
    let message = format!("`{name}` {heads} does not divide into `{kv_name}` {kv_heads}");
    let help = format!("`{name}` must be a multiple of `{kv_name}`");
    Err(ShapeError::new(Some(kv_name), message, help))
}
