//! Counts of a journal, folded from its rows.

use rusqlite::{Connection, Row, params};

use crate::error::Attempt as _;
use crate::{JournalError, OwnerNote, SetupNote, State, findings, schema};

/// Owners that a [`Fold`] holds at most: a column of owners may hold anything.
pub const OWNERS: u32 = 10_000;

/// Counts of a step's records by their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not there before.
    pub created: u64,
    /// Changed.
    pub updated: u64,
    /// As they should be.
    pub unchanged: u64,
    /// Left by a written rule.
    pub skipped: u64,
    /// In quarantine, those included that may have been written.
    pub quarantined: u64,
}

impl Counts {
    /// Records that ended in any way.
    pub fn sum(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.skipped + self.quarantined
    }

    fn slot(&mut self, state: State) -> &mut u64 {
        match state {
            State::Created => &mut self.created,
            State::Updated => &mut self.updated,
            State::Unchanged => &mut self.unchanged,
            State::Skipped => &mut self.skipped,
            State::Quarantined | State::Uncertain => &mut self.quarantined,
        }
    }
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFold {
    /// Name of the step.
    pub name: String,
    /// The destination object.
    pub object: String,
    /// Records of the export that belong to it, counted there; absent: not counted yet.
    pub read: Option<u64>,
    /// Nothing is left to do.
    pub done: bool,
    /// Records that the export has no more; they are in no other count.
    pub vanished: u64,
    /// Counts of the records by their outcome.
    pub counts: Counts,
}

/// A field of records that were there before and were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedField {
    /// The step.
    pub step: String,
    /// The field as it was sent.
    pub field: String,
    /// Records in which it was changed.
    pub records: u64,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFold {
    /// Number of the run, from 1.
    pub id: i64,
    /// The command.
    pub command: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// When it ended; absent: it did not say.
    pub ended: Option<String>,
    /// In a word.
    pub result: Option<String>,
}

/// Counts of a journal. Remarks on single records come from [`crate::Reader::remarks`], one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The migration.
    pub migration: String,
    /// The destination's name.
    pub destination: String,
    /// The plan's hash.
    pub plan_hash: String,
    /// Runs, oldest first.
    pub runs: Vec<RunFold>,
    /// Steps in the order in which they were begun.
    pub steps: Vec<StepFold>,
    /// Fields of records that were there before, by step and name, with the number of records in which each was changed.
    pub changed: Vec<ChangedField>,
    /// Records of which a written rule left out or replaced a value; a map's later steps count as the map.
    pub repaired_records: u64,
    /// By source owner; the first [`OWNERS`].
    pub owners: Vec<OwnerNote>,
    /// Number of owners.
    pub owner_count: u64,
    /// In the plan's order.
    pub setup: Vec<SetupNote>,
    /// Result of the last verification: JSON.
    pub verify: Option<String>,
    /// Result of the last rollback: JSON.
    pub rollback: Option<String>,
    /// Approvals that runs went by, oldest first: JSON.
    pub approvals: Option<String>,
    /// Later exports that were picked up: JSON.
    pub deltas: Option<String>,
    /// Columns and files of the export that nobody declared, as the last run met them: JSON.
    pub undeclared: Option<String>,
    /// Plans that entries belong to, in the order of their first ones.
    pub plans: Vec<PlanFold>,
}

/// A plan that a journal was used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFold {
    /// The plan's hash.
    pub hash: String,
    /// Moment of its first entry, RFC 3339 in UTC.
    pub first: String,
    /// Moment of its last one.
    pub last: String,
}

impl Fold {
    /// The step of a name.
    pub fn step(&self, name: &str) -> Option<&StepFold> {
        self.steps.iter().find(|step| step.name == name)
    }
}

pub(crate) fn fold(connection: &Connection) -> Result<Fold, JournalError> {
    let finding = |name: &str| {
        list(connection, "SELECT value FROM findings WHERE name = ?1", params![name], |row| row.get(0))
            .map(|found: Vec<String>| found.into_iter().next())
    };
    Ok(Fold {
        migration: schema::meta(connection, "migration")?,
        destination: schema::meta(connection, "destination")?,
        plan_hash: schema::plan_hash(connection)?,
        runs: list(connection, "SELECT id, command, started, ended, result FROM runs ORDER BY id", [], |row| {
            Ok(RunFold {
                id: row.get(0)?,
                command: row.get(1)?,
                started: moment(row.get(2)?),
                ended: row.get::<_, Option<i64>>(3)?.map(moment),
                result: row.get(4)?,
            })
        })?,
        steps: steps(connection)?,
        changed: changed(connection)?,
        repaired_records: number(
            connection,
            "SELECT COUNT(*) FROM (SELECT DISTINCT CASE instr(name, '.') WHEN 0 THEN name ELSE substr(name, 1, instr(name, '.') - 1) END, key \
             FROM repairs JOIN steps ON steps.id = step)",
        )?,
        owners: list(
            connection,
            "SELECT source, destination, id, how FROM owners ORDER BY source LIMIT ?1",
            params![OWNERS],
            |row| Ok(OwnerNote { source: row.get(0)?, destination: row.get(1)?, id: row.get(2)?, how: row.get(3)? }),
        )?,
        owner_count: number(connection, "SELECT COUNT(*) FROM owners")?,
        setup: setup(connection)?,
        verify: finding(findings::VERIFICATION)?,
        rollback: finding(findings::ROLLBACK)?,
        approvals: finding(findings::APPROVALS)?,
        deltas: finding(findings::DELTAS)?,
        undeclared: finding(findings::UNDECLARED)?,
        plans: list(
            connection,
            "SELECT plans.hash, MIN(entries.at), MAX(entries.at) FROM entries JOIN plans ON plans.id = entries.plan \
             GROUP BY plans.id ORDER BY MIN(entries.seq)",
            [],
            |row| Ok(PlanFold { hash: row.get(0)?, first: moment(row.get(1)?), last: moment(row.get(2)?) }),
        )?,
    })
}

/// Changes of the schema, in the plan's order.
pub(crate) fn setup(connection: &Connection) -> Result<Vec<SetupNote>, JournalError> {
    list(connection, "SELECT position, action, outcome, undo FROM setup ORDER BY position", [], |row| {
        let position: i64 = row.get(0)?;
        Ok(SetupNote {
            position: usize::try_from(position).unwrap_or(0),
            action: row.get(1)?,
            outcome: row.get(2)?,
            undo: row.get(3)?,
        })
    })
}

/// Fields that were changed. The values that were written hold these alone; a record counts once its change is through.
fn changed(connection: &Connection) -> Result<Vec<ChangedField>, JournalError> {
    list(
        connection,
        "SELECT steps.name, field.key, COUNT(*) FROM before_images AS before JOIN steps ON steps.id = before.step \
         JOIN id_map ON id_map.step = before.step AND id_map.key = before.key AND id_map.state = ?1, json_each(before.written) AS field \
         WHERE before.operation = 'update' GROUP BY before.step, field.key ORDER BY before.step, field.key",
        params![State::Updated.number()],
        |row| Ok(ChangedField { step: row.get(0)?, field: row.get(1)?, records: line(row, 2)? }),
    )
}

fn steps(connection: &Connection) -> Result<Vec<StepFold>, JournalError> {
    let rows: Vec<(i64, StepFold)> =
        list(connection, "SELECT id, name, object, records, done FROM steps ORDER BY id", [], |row| {
            let read: Option<i64> = row.get(3)?;
            let step = StepFold {
                name: row.get(1)?,
                object: row.get(2)?,
                read: read.map(|read| u64::try_from(read).unwrap_or(0)),
                done: row.get(4)?,
                vanished: 0,
                counts: Counts::default(),
            };
            Ok((row.get(0)?, step))
        })?;
    let mut steps = Vec::with_capacity(rows.len());
    let knows_vanished = schema::knows_vanished(connection)?;
    for (id, mut step) in rows {
        let counted: Vec<(i64, u64)> = list(
            connection,
            "SELECT state, COUNT(*) FROM id_map WHERE step = ?1 GROUP BY state",
            params![id],
            |row| Ok((row.get(0)?, line(row, 1)?)),
        )?;
        for (state, count) in counted {
            if let Some(state) = State::of(state) {
                *step.counts.slot(state) += count;
            }
        }
        let gone: Vec<(i64, u64)> = if knows_vanished {
            list(
                connection,
                "SELECT state, COUNT(*) FROM vanished JOIN id_map ON id_map.step = vanished.step AND id_map.key = vanished.key \
                 WHERE vanished.step = ?1 GROUP BY state",
                params![id],
                |row| Ok((row.get(0)?, line(row, 1)?)),
            )?
        } else {
            Vec::new()
        };
        for (state, count) in gone {
            if let Some(state) = State::of(state) {
                let slot = step.counts.slot(state);
                *slot = slot.saturating_sub(count);
                step.vanished += count;
            }
        }
        steps.push(step);
    }
    Ok(steps)
}

fn number(connection: &Connection, sql: &str) -> Result<u64, JournalError> {
    connection.query_row(sql, [], |row| line(row, 0)).attempting("read")
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, JournalError> {
    let mut statement = connection.prepare_cached(sql).attempting("read")?;
    let rows = statement.query_map(values, read).attempting("read")?;
    rows.collect::<Result<_, _>>().attempting("read")
}

pub(crate) fn line(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn moment(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds).map(|at| at.to_string()).unwrap_or_default()
}
