//! Header of a file: its column names.

use std::collections::{BTreeMap, HashMap, HashSet};

use migr_diagnostics::nearest;
use migr_plan::SourceObject;

use crate::columns::column_name;
use crate::{ExtractError, layout};

/// Where the catalog's columns stand in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// The headers as they stand.
    pub(crate) names: Vec<String>,
    /// By position in `SourceObject.columns`: the cell of the file.
    pub(crate) positions: Vec<Option<usize>>,
    /// Headers that no column of the catalog claims.
    pub(crate) extra: Vec<String>,
    /// Columns of the catalog that the file lacks and the plan does not read.
    pub(crate) missing: Vec<String>,
}

impl Header {
    /// Matches a file's headers with an object's columns. `is_read` tells which columns the plan cannot do without.
    pub(crate) fn matched(
        names: Vec<String>,
        object: &SourceObject,
        is_read: impl Fn(&str) -> bool,
        place: (&str, u64),
    ) -> Result<Self, ExtractError> {
        let (file, line) = place;
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        for (at, header) in names.iter().enumerate() {
            let name = column_name(header);
            if name.is_empty() {
                continue;
            }
            if let Some(first) = by_name.insert(name.clone(), at) {
                return Err(ExtractError::DuplicateColumn {
                    file: file.to_owned(),
                    line,
                    column: name,
                    first: names.get(first).cloned().unwrap_or_default(),
                    second: header.clone(),
                });
            }
        }
        let mut by_header: HashMap<String, usize> = HashMap::new();
        if object.columns.iter().any(|column| column.header.is_some()) {
            for (at, header) in names.iter().enumerate() {
                by_header.entry(header.trim().to_owned()).or_insert(at);
            }
        }
        let mut found = Self { names, ..Self::default() };
        for column in &object.columns {
            let position = match &column.header {
                Some(exact) => by_header.get(exact.trim()).copied(),
                None => by_name.get(&column.name).copied(),
            };
            if position.is_none() {
                if is_read(&column.name) {
                    return Err(found.lacks(column.header.as_deref().unwrap_or(&column.name), object, place));
                }
                found.missing.push(column.name.clone());
            }
            found.positions.push(position);
        }
        if found.positions.iter().all(Option::is_none) {
            found.is_separated_by_commas(object, place)?;
        }
        let taken: HashSet<usize> = found.positions.iter().flatten().copied().collect();
        let extra = found.names.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        found.extra = extra
            .map(|(at, header)| if header.trim().is_empty() { format!("(column {})", at + 1) } else { header.clone() })
            .collect();
        Ok(found)
    }

    /// An error where another sign than the comma gives the columns of the object.
    fn is_separated_by_commas(&self, object: &SourceObject, (file, line): (&str, u64)) -> Result<(), ExtractError> {
        let Some(separator) = layout::separator(&self.names, object) else { return Ok(()) };
        let reason = layout::separated(separator, object);
        Err(ExtractError::Header { file: file.to_owned(), line, reason })
    }

    fn lacks(&self, column: &str, object: &SourceObject, (file, line): (&str, u64)) -> ExtractError {
        if let Err(separated) = self.is_separated_by_commas(object, (file, line)) {
            return separated;
        }
        let wanted = column_name(column);
        let near = self.names.iter().find(|header| {
            let name = column_name(header);
            name == wanted || nearest(&wanted, [name.as_str()]).is_some()
        });
        ExtractError::MissingColumn {
            file: file.to_owned(),
            line,
            object: object.name.clone(),
            column: column.to_owned(),
            near: near.cloned(),
        }
    }
}
