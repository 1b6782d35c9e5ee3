//! The loss and its backward.

use super::label::Label;
use super::line::Line;
use super::setting::{LossKernel, Profile};
use super::step::Step;
use super::timeline::{Phase, Timeline};
use super::unit::Script;

const BF16: f64 = 2.0;
const FP32: f64 = 4.0;
/// Parts of the tokens whose head and loss are computed one after the other.
const CHUNKS: f64 = 8.0;

impl Step<'_> {
    /// Cross-entropy of the logits, and the gradient of the logits.
    pub fn loss(&self, timeline: &mut Timeline) {
        let forward = self.loss_forward();
        timeline.push(Phase::Loss, 1, forward.0);
        if self.setting.loss == LossKernel::Chunked {
            return; // backward has happened, part by part
        }
        let mut s = Script::default();
        self.end_of_autocast(&mut s);
        s.make(Label::Loss, FP32); // the gradient of the loss
        if self.setting.loss == LossKernel::Compiled {
            s.add(Label::Loss, self.logits(BF16));
            s.free(Label::Loss, FP32);
            s.add(Label::Logits, -self.logits(BF16));
        } else if self.parallel() {
            self.parallel_backward(&mut s);
        } else {
            self.eager_backward(&mut s);
        }
        timeline.push(Phase::LossBackward, 1, s.0);
    }

    fn loss_forward(&self) -> Script {
        let (wide, narrow) = (self.logits(FP32), self.logits(BF16));
        let mut s = Script::default();
        match self.setting.loss {
            LossKernel::Chunked => {
                self.chunks(&mut s);
                return s;
            }
            // Megatron's own is in its own step
            LossKernel::Compiled | LossKernel::Fused => {}
            LossKernel::Eager | LossKernel::Released => {
                s.add(Label::Loss, wide); // the logits in FP32
                if self.parallel() {
                    s.add(Label::Loss, wide); // less their maximum
                    s.add(Label::Loss, wide); // their exponentials, to be summed
                    s.add(Label::Loss, -wide);
                }
                s.add(Label::Loss, wide); // their log-softmax
            }
        }
        s.make(Label::Loss, FP32); // the loss
        s.make(Label::Loss, FP32); // its weight
        if self.setting.loss != LossKernel::Compiled {
            s.add(Label::Loss, -wide);
            if self.parallel() {
                s.add(Label::Loss, -wide);
            }
        }
        s.free(Label::Loss, FP32); // the last step's loss
        if self.setting.loss == LossKernel::Released {
            s.add(Label::Logits, -narrow);
        }
        s
    }

    fn eager_backward(&self, s: &mut Script) {
        let (wide, narrow) = (self.logits(FP32), self.logits(BF16));
        s.add(Label::Loss, wide); // of the negative log-likelihood
        s.free(Label::Loss, FP32);
        s.add(Label::Loss, wide); // of the log-softmax
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, narrow); // of the logits
        s.add(Label::Loss, -wide);
    }

    /// Whether the vocabulary is split over devices and the loss computed so (PyTorch's
    /// `loss_parallel`, `torch/distributed/tensor/parallel/loss.py`). On two H200 with plain PyTorch a
    /// step takes the bytes that this adds (`tests/oracle/gpu_ranks.csv`).
    fn parallel(&self) -> bool {
        let profile = self.setting.profile;
        let plain = matches!(profile, Profile::Eager | Profile::Cuda);
        (plain || profile.torchtitan()) && self.stream.tp > 1.0
    }

    /// `_nll_loss_and_log_softmax_backward`.
    fn parallel_backward(&self, s: &mut Script) {
        let (wide, narrow) = (self.logits(FP32), self.logits(BF16));
        s.add(Label::Loss, wide); // zeros with the labels' ones in them
        s.add(Label::Loss, wide); // the softmax
        s.add(Label::Loss, wide); // the same times the sum
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, wide); // the difference
        s.free(Label::Loss, FP32);
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, -wide);
        s.add(Label::Loss, narrow);
        s.add(Label::Loss, -wide);
    }

    /// Head and loss, part by part of the tokens, each through its backward at once: the head's
    /// gradient is summed up out of place, the gradient of its input fills up.
    fn chunks(&self, s: &mut Script) {
        let part = |bytes: f64| self.logits(bytes) * (1.0 / CHUNKS);
        let trained = self.setting.adapter.is_none();
        let head = if trained { BF16 * self.vocab * self.stream.hidden } else { 0.0 };
        let head = Line::fixed(head);
        s.add(Label::ActivationGradients, self.stream.whole());
        s.add(Label::UnitGradients, head);
        s.add(Label::Logits, part(BF16));
        s.add(Label::Loss, part(FP32)); // as the loss in one: see above
        s.add(Label::Loss, part(FP32));
        s.add(Label::Loss, part(FP32));
        s.add(Label::Loss, -part(FP32));
        s.add(Label::Loss, -part(FP32));
        s.add(Label::Loss, part(BF16));
        s.add(Label::Loss, -part(FP32));
        s.add(Label::UnitGradients, head);
        s.add(Label::UnitGradients, -head);
        s.add(Label::Loss, -part(BF16));
        s.add(Label::Logits, -part(BF16));
        s.make(Label::Loss, FP32);
    }
}
