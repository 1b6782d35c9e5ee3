//! The size of a shape as scaling laws count it.

use super::count::Count;
use super::relatives::float;
use super::shape::Shape;
use crate::law::Counting;
use crate::quantity::Params;

impl Shape {
    /// N as a law counts it; `None` under a law that counts FLOPs. Of a mixture of experts it is what
    /// works on a token, whichever tables are left out.
    ///
    /// ```
    /// use plan::{law::Counting, model::shapes};
    /// let gpt2 = shapes().find("gpt2")?.shape()?;
    /// // Radford et al. 2019: 50,257 tokens and 1,024 positions of width 768 are left out
    /// let n = gpt2.counted_by(Counting::WithoutEmbeddings).expect("it counts parameters");
    /// assert_eq!(n.0, 124_439_808.0 - (50_257.0 + 1024.0) * 768.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn counted_by(&self, counting: Counting) -> Option<Params> {
        self.count().counted_by(counting).map(|params| Params(float(params)))
    }

    /// All parameters but those that a law leaves out: a size that is wanted, of a mixture too.
    #[must_use]
    pub fn size_by(&self, counting: Counting) -> Params {
        let count = self.count();
        Params(float(count.total().saturating_sub(count.left_out(counting))))
    }
}

impl Count {
    /// N as a law counts it, exactly; see [`Shape::counted_by`].
    #[must_use]
    pub fn counted_by(&self, counting: Counting) -> Option<u128> {
        let counts = counting != Counting::Flops;
        counts.then(|| self.active().saturating_sub(self.left_out(counting)))
    }

    /// Parameters that a law does not count: tables of the vocabulary and of positions.
    fn left_out(&self, counting: Counting) -> u128 {
        match counting {
            Counting::WithoutEmbeddings => {
                (self.input_embedding + self.position_embedding + self.output_head).total()
            }
            Counting::OneVocabulary => self.output_head.total(),
            Counting::All | Counting::Active | Counting::Flops => 0,
        }
    }
}
