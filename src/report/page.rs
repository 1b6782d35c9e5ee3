//! An answer, section by section.

use super::answer::{Answer, Section, Show};
use super::block::Block;
use super::footprint::FootprintView;
use super::memory::MemoryView;
use super::{
    adapter, data, fleet, footprint, laws, memory, mix, model, operations, recipe, run, summary,
    throughput, utilisation,
};

impl Answer<'_> {
    /// The answer as blocks.
    #[must_use]
    pub fn blocks(&self, show: Show) -> Vec<Block> {
        let mut blocks = Vec::new();
        if let Some(found) = show.found {
            blocks.extend(summary::blocks(self, found));
        }
        for (_, section) in Section::ALL {
            let beside =
                matches!(section, Section::Recipe | Section::Operations) && show.found.is_none();
            if show.only.map_or(!beside, |only| only == section) {
                blocks.extend(self.section(section));
            }
            if show.only.is_none() && section == Section::Inference {
                blocks.extend(laws::summary(self, !show.laws));
            }
        }
        if let Some(only) = show.only.filter(|_| blocks.is_empty()) {
            let name = Section::ALL.iter().find(|(_, section)| *section == only);
            let name = name.map_or("", |(name, _)| name);
            blocks.push(Block::Line(format!("Nothing of `{name}` follows from this plan.")));
        }
        if show.laws {
            blocks.extend(laws::table(self));
        }
        if show.regret {
            blocks.extend(laws::regret(self));
        }
        blocks.extend(self.footer());
        blocks
    }

    /// The curriculum and what it reads, as blocks, with a picture of a width in columns and the
    /// mixture at so many points.
    #[must_use]
    pub fn mix(&self, width: u16, ascii: bool, points: u32) -> Vec<Block> {
        let mut blocks = vec![Block::Heading("Mixture over the run".to_owned())];
        match mix::picture(self, width, ascii) {
            Some(picture) => blocks.push(picture),
            None => blocks.clear(),
        }
        blocks.extend(mix::blocks(self, points));
        blocks.extend(data::blocks(self));
        blocks.extend(self.footer());
        blocks
    }

    /// The memory of a step in full: what it holds, what fits, what would save, and how well it is
    /// known.
    #[must_use]
    pub fn memory(&self, view: MemoryView) -> Vec<Block> {
        let remarks = self.derivation.remarks.iter().map(|remark| Block::Note(remark.clone()));
        memory::page(self, view).into_iter().chain(remarks).collect()
    }

    /// The time of a step in full: tokens a second, where the time goes, and how well it is known.
    #[must_use]
    pub fn throughput(&self) -> Vec<Block> {
        let remarks = self.derivation.remarks.iter().map(|remark| Block::Note(remark.clone()));
        throughput::page(self).into_iter().chain(remarks).collect()
    }

    /// The footprint in full: hours, energy, money, carbon here and elsewhere, and when to run.
    #[must_use]
    pub fn footprint(&self, view: FootprintView) -> Vec<Block> {
        // hours are hours, whether or not they can be turned into FLOP
        let of_caps =
            |block: &Block| matches!(block, Block::Note(note) if note.contains(" in FLOP."));
        let notes = self.footer().into_iter().filter(|block| !of_caps(block));
        footprint::page(self, view).into_iter().chain(notes).collect()
    }

    fn section(&self, section: Section) -> Vec<Block> {
        match section {
            Section::Budget => run::budget(self),
            Section::Adapter => adapter::section(self),
            Section::Fleet => fleet::section(self),
            Section::Utilisation => utilisation::section(self),
            Section::Allocation => run::allocation(self),
            Section::Model => model::section(self),
            Section::Memory => memory::section(self),
            Section::Throughput => throughput::section(self),
            Section::Footprint => footprint::section(self),
            Section::Recipe => recipe::section(self),
            Section::Operations => operations::section(self),
            Section::Optimum => run::optimum(self),
            Section::Inference => run::inference(self),
            Section::Stages => mix::blocks(self, mix::POINTS),
            Section::Data => data::blocks(self),
        }
    }

    /// What a reader must know beside the numbers, and what would complete them.
    fn footer(&self) -> Vec<Block> {
        let remarks = self.derivation.remarks.iter().map(|remark| Block::Note(remark.clone()));
        let missing = self.derivation.missing.iter().map(|missing| {
            Block::Note(format!("Not derived: {}. Add `{}`.", missing.what, missing.key))
        });
        remarks.chain(missing).collect()
    }
}
