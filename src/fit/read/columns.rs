//! Which column is what.

use super::ReadRunsError;
use crate::fact;
use csv::StringRecord;

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// N.
    Params,
    /// D.
    Tokens,
    /// kND.
    Flops,
    /// Nats per token.
    Loss,
    /// How much a run counts.
    Weight,
    /// Distinct tokens among those that a run read.
    UniqueTokens,
    /// Standard deviation of ln N*, for an optimum of a budget.
    LogStd,
    /// A source's share of a run's tokens.
    Mixture,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Params,
        Self::Tokens,
        Self::Flops,
        Self::Loss,
        Self::Weight,
        Self::UniqueTokens,
        Self::LogStd,
        Self::Mixture,
    ];

    /// The id that flags use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Params => "params",
            Self::Tokens => "tokens",
            Self::Flops => "flops",
            Self::Loss => "loss",
            Self::Weight => "weight",
            Self::UniqueTokens => "unique_tokens",
            Self::LogStd => "log_std",
            Self::Mixture => "mixture",
        }
    }

    /// In words.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Params => "the size of the models, N",
            Self::Tokens => "the training tokens, D",
            Self::Flops => "the compute, FLOP",
            Self::Loss => "the loss",
            Self::Weight => "the weight of a run",
            Self::UniqueTokens => "the distinct tokens of a run",
            Self::LogStd => "the standard deviation of ln N*",
            Self::Mixture => "a source's share of the tokens",
        }
    }

    /// Columns that are taken for one unless others are named, in a table of mixtures.
    fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Mixture => &["mixture.*", "mixture_*"],
            _ => &["loss", "loss.*", "loss_*"],
        }
    }

    /// Names that columns commonly have, lower case and without what is no letter or digit.
    fn common(self) -> &'static [&'static str] {
        match self {
            Self::Params => &[
                "params",
                "param",
                "parameters",
                "n",
                "nparams",
                "numparams",
                "modelparams",
                "modelsize",
                "size",
                "totalparams",
                "paramcount",
            ],
            Self::Tokens => &[
                "tokens",
                "token",
                "d",
                "ntokens",
                "numtokens",
                "traintokens",
                "trainingtokens",
                "totaltokens",
                "datasize",
            ],
            Self::Flops => &[
                "flops",
                "flop",
                "c",
                "compute",
                "trainingflop",
                "trainingflops",
                "trainflops",
                "totalflops",
                "computeflops",
                "computeflop",
            ],
            Self::Loss => &[
                "loss",
                "l",
                "valloss",
                "validationloss",
                "evalloss",
                "testloss",
                "finalloss",
                "trainloss",
                "trainingloss",
            ],
            Self::Weight => &["weight", "weights", "w"],
            Self::UniqueTokens => &["uniquetokens", "distincttokens", "unique"],
            Self::LogStd => &["logstd", "nstarlogstd", "lnparamsstd"],
            Self::Mixture => &[],
        }
    }
}

/// The columns of a file that are read, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    found: Vec<(Role, usize, String)>,
}

impl Columns {
    /// The column of a role.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<usize> {
        self.found.iter().find(|(own, ..)| *own == role).map(|(_, column, _)| *column)
    }

    /// The columns of a role with several, and what each is called.
    pub(super) fn all(&self, role: Role) -> Vec<(usize, &str)> {
        let own = self.found.iter().filter(|(own, ..)| *own == role);
        own.map(|(_, column, name)| (*column, name.as_str())).collect()
    }

    /// Each role with the name of its column.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &str)> {
        self.found.iter().map(|(role, _, name)| (*role, name.as_str()))
    }

    /// Columns that were named, and for the other roles those with a common name.
    pub(super) fn find(
        header: &StringRecord,
        mapped: &[(Role, String)],
        table: Table,
    ) -> Result<Self, ReadRunsError> {
        if let Some((role, _)) = mapped.iter().find(|(role, _)| !table.roles().contains(role)) {
            return Err(ReadRunsError::NotOfForm { role: *role, known: table.roles() });
        }
        if table == Table::Mixtures {
            return Self::mixtures(header, mapped);
        }
        let mut found = Vec::new();
        for &role in table.roles() {
            let column = match mapped.iter().rev().find(|(own, _)| *own == role) {
                Some((_, name)) => Some(named(header, name)?),
                None => recognised(header, role, mapped)?,
            };
            found.extend(column.map(|column| (role, column, header[column].to_owned())));
        }
        let columns = Self { found };
        let without = |role| columns.of(role).is_none();
        let needed = match table {
            Table::Runs => [
                (Role::Params, without(Role::Params)),
                (Role::Tokens, without(Role::Tokens) && without(Role::Flops)),
                (Role::Loss, without(Role::Loss)),
            ],
            Table::Optima | Table::Mixtures => [
                (Role::Flops, without(Role::Flops)),
                (Role::Params, without(Role::Params) && without(Role::Tokens)),
                (Role::Params, false),
            ],
        };
        match needed.into_iter().find(|(_, missing)| *missing) {
            Some((role, _)) => Err(missing(header, role)),
            None => Ok(columns),
        }
    }

    /// Columns of mixtures: those that start with `mixture`, and of losses those that start with
    /// `loss`, unless others are named; `*` in a name stands for any text, and what it stands for is
    /// then the source's name.
    fn mixtures(header: &StringRecord, mapped: &[(Role, String)]) -> Result<Self, ReadRunsError> {
        let mut found = Vec::new();
        for role in [Role::Mixture, Role::Loss] {
            let given: Vec<&str> =
                mapped.iter().filter(|(own, _)| *own == role).map(|(_, name)| &**name).collect();
            let before = found.len();
            for pattern in if given.is_empty() { role.patterns() } else { &given } {
                if !pattern.contains('*') {
                    let matching = header.iter().any(|own| own.eq_ignore_ascii_case(pattern));
                    if matching || !given.is_empty() {
                        let column = named(header, pattern)?;
                        found.push((role, column, header[column].to_owned()));
                    }
                    continue;
                }
                let count = found.len();
                for (column, own) in header.iter().enumerate() {
                    found.extend(stands_for(pattern, own).map(|part| (role, column, part)));
                }
                if found.len() == count && !given.is_empty() {
                    return Err(ReadRunsError::Unknown {
                        name: (*pattern).to_owned(),
                        nearest: Vec::new(),
                        header: header.iter().map(str::to_owned).collect(),
                    });
                }
            }
            if found.len() == before {
                return Err(missing(header, role));
            }
        }
        for (index, (_, column, name)) in found.iter().enumerate() {
            if found[..index].iter().any(|(_, other, _)| other == column) {
                return Err(ReadRunsError::Twice { name: name.clone() });
            }
        }
        let weight = match mapped.iter().rev().find(|(own, _)| *own == Role::Weight) {
            Some((_, name)) => Some(named(header, name)?),
            None => recognised(header, Role::Weight, mapped)?,
        };
        found.extend(weight.map(|column| (Role::Weight, column, header[column].to_owned())));
        Ok(Self { found })
    }
}

/// What is read from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// Runs: N, D or kND, loss.
    Runs,
    /// Optima of budgets: C, N* or D*.
    Optima,
    /// Runs of one size and length over different mixtures.
    Mixtures,
}

impl Table {
    /// The roles that its columns can have.
    pub(super) fn roles(self) -> &'static [Role] {
        match self {
            Self::Runs => &[
                Role::Params,
                Role::Tokens,
                Role::Flops,
                Role::Loss,
                Role::Weight,
                Role::UniqueTokens,
            ],
            Self::Optima => &[Role::Params, Role::Tokens, Role::Flops, Role::Weight, Role::LogStd],
            Self::Mixtures => &[Role::Mixture, Role::Loss, Role::Weight],
        }
    }
}

/// What the `*` of a pattern stands for in a name.
fn stands_for(pattern: &str, name: &str) -> Option<String> {
    let (before, after) = pattern.split_once('*')?;
    let part = name.strip_prefix(before)?.strip_suffix(after)?;
    (!part.is_empty()).then(|| part.to_owned())
}

/// The column of a name, to the letter or else without regard to case.
pub(super) fn named(header: &StringRecord, name: &str) -> Result<usize, ReadRunsError> {
    let matching = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        header.iter().enumerate().filter(|(_, own)| same(own)).map(|(column, _)| column).collect()
    };
    let mut columns = matching(&|own| own == name);
    if columns.is_empty() {
        columns = matching(&|own| own.eq_ignore_ascii_case(name));
    }
    match columns.as_slice() {
        [one] => Ok(*one),
        [] => Err(ReadRunsError::Unknown {
            name: name.to_owned(),
            nearest: fact::nearest(name, header.iter()),
            header: header.iter().map(str::to_owned).collect(),
        }),
        _ => Err(ReadRunsError::Twice { name: name.to_owned() }),
    }
}

/// The column with a common name of a role; the role's own name beats the others.
fn recognised(
    header: &StringRecord,
    role: Role,
    mapped: &[(Role, String)],
) -> Result<Option<usize>, ReadRunsError> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let taken = |name: &str| mapped.iter().any(|(_, own)| own == name);
    let mut could = Vec::new();
    for (column, name) in header.iter().enumerate().filter(|(_, name)| !taken(name)) {
        let plain = plain(name);
        if plain == role.name() {
            could.insert(0, (column, true));
        } else if role.common().contains(&plain.as_str()) {
            could.push((column, false));
        }
    }
    match could.as_slice() {
        [] => Ok(None),
        [(column, _)] | [(column, true), (_, false), ..] => Ok(Some(*column)),
        many => Err(ReadRunsError::Ambiguous {
            role,
            names: many.iter().map(|(column, _)| header[*column].to_owned()).collect(),
        }),
    }
}

fn missing(header: &StringRecord, role: Role) -> ReadRunsError {
    let mut nearest: Vec<String> = Vec::new();
    for common in role.common().iter().filter(|name| name.len() > 2) {
        for name in fact::nearest(common, header.iter()) {
            if !nearest.contains(&name) && nearest.len() < 3 {
                nearest.push(name);
            }
        }
    }
    ReadRunsError::Missing { role, nearest, header: header.iter().map(str::to_owned).collect() }
}
