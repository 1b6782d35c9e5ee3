//! What all blocks of a model share.

use super::block::Parameter;
use super::code::{Code, NormCode};
use super::line::Line;
use super::operator::{Norm, NormKind, RotationKind};
use super::setting::{Adapter, AttentionKernel, Base, Profile, Setting};
use super::tape::Trains;
use crate::model::{self, Attention, Positions, Shape};

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;

/// What all blocks of a model share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub hidden: f64,
    pub norm: NormKind,
    /// Numbers of a norm's parameters for each number of its width: 0, 1 or 2.
    pub norm_parameters: u8,
    /// How queries and keys are rotated, where they are.
    pub rotation: Option<RotationKind>,
    pub attention: AttentionKernel,
    /// Keys that a query may see: the tokens of a sequence.
    pub keys: f64,
    /// Tokens of a sequence on this device.
    pub sequence: f64,
    /// Devices that split matrix products, heads and, between the parts of a block, tokens.
    pub tp: f64,
    /// Devices that split every sequence.
    pub cp: f64,
    /// Devices over which the experts are spread.
    pub ep: f64,
    /// Whose operators run.
    profile: Profile,
    /// How the family's own code runs them.
    pub code: Code,
    /// Parameters and stream are FP32, and PyTorch's autocast makes BF16 copies for the products.
    pub autocast: bool,
    /// What is trained in the model's place.
    pub adapter: Option<Adapter>,
}

impl Stream {
    pub fn of(shape: &Shape, setting: &Setting) -> Self {
        let code = Code::of(setting);
        let (rms, statistics) = match setting.profile {
            Profile::Eager => (NormKind::RmsByParts, 2),
            // Megatron-LM has a step of its own
            Profile::Cuda
            | Profile::Megatron
            | Profile::Torchtitan
            | Profile::MegatronDeepspeed
            | Profile::MegatronDeepspeedBf16 => (NormKind::RmsFused { wide: false }, 4),
            Profile::HuggingFace | Profile::TorchtitanEager => match code.norm {
                NormCode::Wide => (NormKind::RmsByParts, 4),
                NormCode::Narrow | NormCode::Centred => (NormKind::RmsCastBack, 4),
            },
        };
        let layout = &setting.layout;
        let autocast = setting.autocasts();
        let layer = NormKind::Layer { statistics, wide: autocast };
        let (norm, norm_parameters) = match shape.norm {
            _ if code.norm == NormCode::Centred => (NormKind::LayerByParts { wide: autocast }, 1),
            model::Norm::Bare => (layer, 0),
            model::Norm::Scale if autocast => match rms {
                NormKind::RmsFused { .. } => (NormKind::RmsFused { wide: true }, 1),
                _ => (NormKind::RmsWide, 1),
            },
            model::Norm::Scale => (rms, 1),
            model::Norm::Layer => (layer, 2),
        };
        let (keys, cp) = (number(setting.sequence), number(layout.cp));
        let sequence = keys / cp;
        let width = shape.blocks().map(|(_, block)| rotated_width(&block.attention)).max();
        let width = number(width.unwrap_or_default());
        let rotation = match setting.profile {
            Profile::HuggingFace => RotationKind::Halves { wide: autocast },
            Profile::Torchtitan => RotationKind::Fused { table: 4.0 * sequence * width },
            _ => RotationKind::Complex { table: 4.0 * sequence * width },
        };
        Self {
            hidden: number(shape.hidden),
            norm,
            norm_parameters,
            rotation: (shape.positions == Positions::Free).then_some(rotation),
            attention: setting.attention,
            keys,
            sequence,
            tp: number(layout.tp),
            cp,
            ep: number(layout.ep),
            profile: setting.profile,
            code,
            autocast,
            adapter: setting.adapter,
        }
    }

    /// What has gradients in the blocks.
    pub fn trains(&self) -> Trains {
        self.adapter.map_or(Trains::All, |adapter| Trains::Adapters {
            rank: number(adapter.rank),
            quantised: adapter.base == Base::Nf4,
        })
    }

    /// What has gradients around them.
    pub fn trains_root(&self) -> Trains {
        if self.adapter.is_some() { Trains::Nothing } else { Trains::All }
    }

    /// The norm of the stream, on this device's share of the tokens.
    pub fn norm(&self) -> Norm {
        self.norm_of(self.hidden, 1.0 / self.tp, self.hidden)
    }

    /// A norm of so many rows of `width` numbers for each token.
    pub fn norm_of(&self, width: f64, rows: f64, weight: f64) -> Norm {
        let weight = if self.norm_parameters > 0 { weight } else { 0.0 };
        Norm { width, rows, kind: self.norm, weight, bias: self.norm_parameters > 1 }
    }

    /// The norm of what a part of the block made, which autocast leaves in BF16.
    pub fn norm_of_part(&self) -> Norm {
        self.in_part(self.norm())
    }

    /// The same for any norm within a block.
    pub fn in_part(&self, norm: Norm) -> Norm {
        let wide = self.code.norm == NormCode::Wide;
        Norm { kind: if wide { NormKind::RmsByParts } else { norm.kind }, ..norm }
    }

    /// The parameters of a norm of so many numbers.
    pub fn norm_parameters(&self, weight: f64) -> Vec<Parameter> {
        let mut parameters = vec![Parameter::vector(weight); self.norm_parameters.into()];
        if self.norm == NormKind::RmsByParts {
            // what the parts compute in FP32 is reduced in FP32
            for parameter in &mut parameters {
                parameter.gradient = 4.0;
            }
        }
        parameters
    }

    /// Whether blocks are compiled: what follows from each other is one kernel.
    pub fn compiled(&self) -> bool {
        self.profile == Profile::Torchtitan
    }

    /// Whether keys and values are repeated for every head before attention.
    pub fn repeats(&self) -> bool {
        self.profile.torchtitan()
    }

    /// Whether gathered and scattered tokens have a second copy for an instant.
    pub fn copies(&self) -> bool {
        self.profile.torchtitan()
    }

    /// Bytes of a tensor of the stream between the parts of a block.
    pub fn tensor(&self) -> Line {
        self.whole() * (1.0 / self.tp)
    }

    /// Bytes of a tensor of the stream with the tokens of all devices that split a block.
    pub fn whole(&self) -> Line {
        Line::per_token(if self.autocast { FP32 } else { BF16 } * self.hidden)
    }

    /// Bytes of the table by which tokens are rotated, held during the whole step.
    pub fn table(&self) -> f64 {
        match self.rotation {
            Some(RotationKind::Complex { table } | RotationKind::Fused { table }) => table,
            _ => 0.0,
        }
    }
}

fn rotated_width(attention: &Attention) -> u64 {
    match attention {
        Attention::Grouped(grouped) => grouped.head_dim,
        Attention::Latent(latent) => latent.rope_dim,
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of a checked shape stay below 1e9")]
pub(super) fn number(size: u64) -> f64 {
    size as f64
}
