//! A kind of layer: its unit, and what its forward and backward do.

use super::block::Block;
use super::label::Label;
use super::line::Line;
use super::states::States;
use super::tape::{Mode, Tape};
use super::timeline::Event;
use super::unit::Unit;
use crate::layout::Recompute;

/// A kind of layer.
pub(super) struct Layer {
    pub unit: Unit,
    pub forward: Vec<Event>,
    pub backward: Vec<Event>,
    /// The gradients that backward makes, before they are reduced, bytes.
    pub gradients: Vec<Line>,
}

impl Layer {
    pub fn of(block: &Block, recompute: Recompute, states: States) -> Self {
        let tensor = block.stream.tensor();
        let cast = block.stream.autocast;
        let trains = block.stream.trains();
        let mut t = Tape::new(cast).training(trains);
        let mut x = t.given(Label::Residual, tensor);
        let mut out = block.forward(&mut t, x);
        t.drop(x);
        let mut forward = t.take_events();
        let saves = t.saves();
        let first = match recompute {
            Recompute::None => None,
            Recompute::Selective => Some(Mode::Select { saves, unread: !block.stream.compiled() }),
            Recompute::Full => Some(Mode::Forget),
        };
        if let Some(mode) = first {
            // of all tensors of the first forward only the input stays, and what the mode selects
            let mut first = Tape::new(cast).training(trains);
            first.set_mode(mode);
            x = first.given(Label::Residual, tensor);
            block.forward(&mut first, x);
            first.relabel(x, Label::Checkpoints);
            forward = first.take_events();
            t = first.after().training(trains);
            x = t.taken(&first, x);
            t.set_mode(Mode::Recompute { saves, input: x });
            t.take_cached(&first);
            out = block.forward(&mut t, x);
        }
        let gradient = t.given(Label::ActivationGradients, tensor);
        t.backward(out, gradient);
        t.drop_cached();
        let unit = Unit::new(block.trained(), states);
        let (backward, gradients) = (t.take_events(), t.take_unit_gradients());
        Self { unit, forward, backward, gradients }
    }

    /// What a forward leaves for backward, by kind.
    pub fn kept(&self) -> Vec<Event> {
        let mut kept = [Line::ZERO; Label::ALL.len()];
        for event in &self.forward {
            kept[event.label as usize] += event.size;
        }
        let events = Label::ALL.into_iter().zip(kept);
        events
            .filter(|(_, size)| *size != Line::ZERO)
            .map(|(label, size)| Event::new(label, size))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Layout, LayoutKeys};
    use crate::memory::setting::{
        AttentionKernel, LossKernel, Optimizer, Precision, Profile, Setting,
    };
    use crate::memory::stream::Stream;
    use crate::model::shapes;

    /// Bytes per token and block between forward and backward under torchtitan's list, measured on
    /// an H100 with torch 2.11 and flash attention: a block of Llama 3 8B, 2 and 4 of them
    /// (`tests/oracle/engine_memory_torch.md`).
    #[test]
    fn selective_recomputation_keeps_what_an_h100_keeps() {
        let shape = shapes().find("llama-3-8b").unwrap().shape().unwrap();
        for (profile, measured) in
            [(Profile::TorchtitanEager, 63_616.06), (Profile::Cuda, 63_616.06)]
        {
            let setting = Setting {
                layout: Layout::of(&LayoutKeys::default(), 8).unwrap(),
                sequence: 8192,
                precision: Precision::Bf16,
                optimizer: Optimizer::AdamW,
                attention: AttentionKernel::Sdpa,
                loss: LossKernel::Released,
                profile,
                adapter: None,
                family: None,
            };
            let stream = Stream::of(&shape, &setting);
            let block =
                Block { stream: &stream, kind: shape.blocks().next().unwrap().1, masked: false };
            let states = States::of(&setting, 8.0);
            let layer = Layer::of(&block, Recompute::Selective, states);
            let kept: f64 = layer.kept().iter().map(|event| event.size.per_token).sum();
            // the input is the output of the block before, the output the next one's input
            assert!((kept / measured - 1.0).abs() < 1e-5, "{profile}: {kept}");
            let left: f64 =
                layer.forward.iter().chain(&layer.backward).map(|e| e.size.per_token).sum();
            assert!(left.abs() < 1e-6, "backward frees all of it: {left}");
        }
    }
}
