//! Settings of a migration by which values are read that do not say it themselves: its time zone, country and currency.

use crate::{ColumnType, Expr, FieldType, Options, Plan, SourceColumn, Stage};

/// Setting by which values are read that do not say it themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadingSetting {
    /// Zone of wall-clock times that name none.
    Timezone,
    /// Country of phone numbers that name none.
    Country,
    /// Currency of amounts that name none.
    Currency,
}

/// Part that a setting takes in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingPart<'e> {
    /// Nothing: the setting is read in no record.
    Never,
    /// One in records in which this column is blank: what the column holds says it else.
    WhereBlank(&'e str),
    /// One in every record that does not say it itself.
    Always,
}

impl<'e> SettingPart<'e> {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::WhereBlank(one), Self::WhereBlank(two)) if one == two => self,
            _ => Self::Always,
        }
    }

    fn always_if(holds: bool) -> Self {
        if holds { Self::Always } else { Self::Never }
    }

    /// Of a call whose argument at a place says it itself.
    fn unless_named(arguments: &'e [Expr], at: usize) -> Self {
        match arguments.get(at) {
            None | Some(Expr::None) => Self::Always,
            Some(Expr::Text { .. }) => Self::Never,
            Some(argument) => {
                let mut column = None;
                argument.walk(&mut |expr| {
                    if let Expr::Column { name } = expr {
                        column = Some(name.as_str());
                    }
                });
                column.map_or(Self::Always, Self::WhereBlank)
            }
        }
    }
}

impl ReadingSetting {
    /// Settings, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Timezone, Self::Country, Self::Currency];

    /// The setting of a key of [`Options`].
    pub fn find(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.key() == key)
    }

    /// Key of the setting among [`Options`].
    pub fn key(self) -> &'static str {
        match self {
            Self::Timezone => "timezone",
            Self::Country => "country",
            Self::Currency => "currency",
        }
    }

    fn of(self, options: &Options) -> Option<&str> {
        let value = match self {
            Self::Timezone => &options.timezone,
            Self::Country => &options.country,
            Self::Currency => &options.currency,
        };
        value.as_deref()
    }
}

/// Setting that two plans have otherwise.
#[derive(Clone, Copy, Debug)]
pub struct SettingChange<'p> {
    setting: ReadingSetting,
    before: &'p Plan,
    after: &'p Plan,
}

impl<'p> SettingChange<'p> {
    /// The change of a setting; none where both plans have the same.
    pub fn of(setting: ReadingSetting, before: &'p Plan, after: &'p Plan) -> Option<Self> {
        let differs = setting.of(&before.options) != setting.of(&after.options);
        differs.then_some(Self { setting, before, after })
    }

    /// The setting.
    pub fn setting(self) -> ReadingSetting {
        self.setting
    }

    /// The later plan with the earlier one's setting.
    pub fn former(self) -> Plan {
        let mut plan = self.after.clone();
        let was = self.setting.of(&self.before.options).map(str::to_owned);
        match self.setting {
            ReadingSetting::Timezone => {
                for object in &mut plan.source.objects {
                    for column in &mut object.columns {
                        if self.is_zone_of(&object.name, column) {
                            column.zone.clone_from(&was);
                        }
                    }
                }
                plan.options.timezone = was;
            }
            ReadingSetting::Country => plan.options.country = was,
            ReadingSetting::Currency => plan.options.currency = was,
        }
        plan
    }

    /// True where the zone of a column is the migration's in both plans: it names none itself.
    pub fn is_zone_of(self, object: &str, column: &SourceColumn) -> bool {
        let was = self.before.source_object(object).and_then(|object| object.column(&column.name));
        let zone = |plan: &Plan, column: &SourceColumn| column.zone == plan.options.timezone;
        self.setting == ReadingSetting::Timezone
            && zone(self.after, column)
            && was.is_none_or(|was| zone(self.before, was))
    }

    /// Part that the setting takes in a value of a stage of the later plan: it reads a cell, converts or calls by it.
    pub fn part<'e>(self, stage: &Stage, value: &'e Expr) -> SettingPart<'e> {
        let column = |object: &str, name: &str| {
            let column = self.after.source_object(object).and_then(|object| object.column(name));
            SettingPart::always_if(column.is_some_and(|column| self.reads(object, column)))
        };
        let mut part = SettingPart::Never;
        value.walk(&mut |expr| {
            part = part.or(match expr {
                Expr::Column { name } => column(&stage.source_object, name),
                Expr::Through { target, field, .. } => column(&target.object, field),
                Expr::Convert { value, to } => SettingPart::always_if(self.converts(stage, value, to)),
                Expr::Call { function, arguments } => self.called(stage, function, arguments),
                _ => SettingPart::Never,
            });
        });
        part
    }

    /// True where the setting takes part in the reading of a cell.
    fn reads(self, object: &str, column: &SourceColumn) -> bool {
        let ty = column.elements.unwrap_or(column.ty);
        match self.setting {
            ReadingSetting::Timezone => {
                let mut formats = column.format.iter().chain(&column.other_formats).peekable();
                let has_wall_clock = formats.peek().is_none() || formats.any(|format| is_wall_clock(format));
                ty == ColumnType::Datetime && self.is_zone_of(object, column) && has_wall_clock
            }
            ReadingSetting::Country => false,
            ReadingSetting::Currency => ty == ColumnType::Currency,
        }
    }

    /// True where the setting takes part in a conversion. A value that has the type already is not converted.
    fn converts(self, stage: &Stage, value: &Expr, to: &FieldType) -> bool {
        match (self.setting, to) {
            (ReadingSetting::Timezone, FieldType::Datetime) => !self.gives_instants(stage, value),
            (ReadingSetting::Country, FieldType::Phone) => !is_call(value, "phone"),
            (ReadingSetting::Currency, FieldType::Currency) => !is_call(value, "money"),
            (_, FieldType::List { of }) => self.converts(stage, value, of),
            (_, FieldType::Composite { parts, .. }) => {
                let part = |name: &str| match value {
                    Expr::Record { fields } => fields.iter().find(|field| field.name == name).map(|field| &field.value),
                    _ => None,
                };
                let mut given = parts.iter().filter_map(|one| Some((part(&one.name)?, &one.ty)));
                given.any(|(value, ty)| self.converts(stage, value, ty))
            }
            _ => false,
        }
    }

    /// Part that it takes in a call.
    fn called<'e>(self, stage: &Stage, function: &str, arguments: &'e [Expr]) -> SettingPart<'e> {
        let of_instants = || arguments.first().is_some_and(|first| self.gives_instants(stage, first));
        match (self.setting, function) {
            (ReadingSetting::Timezone, "at") => SettingPart::unless_named(arguments, 2),
            (ReadingSetting::Timezone, "datetime") if !of_instants() => SettingPart::unless_named(arguments, 2),
            (ReadingSetting::Timezone, "date") => SettingPart::always_if(of_instants()),
            (ReadingSetting::Timezone, "format") if of_instants() => SettingPart::unless_named(arguments, 2),
            (ReadingSetting::Country, "phone") | (ReadingSetting::Currency, "money") => {
                SettingPart::unless_named(arguments, 1)
            }
            (ReadingSetting::Country, "country_code") => SettingPart::Always,
            _ => SettingPart::Never,
        }
    }

    /// True where an expression gives an instant and not a text.
    fn gives_instants(self, stage: &Stage, value: &Expr) -> bool {
        match value {
            Expr::Column { name } => {
                let column = self.after.source_object(&stage.source_object).and_then(|object| object.column(name));
                column.is_some_and(|column| column.ty == ColumnType::Datetime)
            }
            Expr::Convert { to, .. } => *to == FieldType::Datetime,
            Expr::Call { function, .. } => matches!(function.as_str(), "at" | "datetime" | "in_zone"),
            Expr::Otherwise { value, .. } => self.gives_instants(stage, value),
            _ => false,
        }
    }
}

/// True for a format whose times name no zone.
fn is_wall_clock(format: &str) -> bool {
    !matches!(format, "seconds" | "milliseconds") && !["%z", "%:z", "%Z", "%s"].iter().any(|zone| format.contains(zone))
}

fn is_call(value: &Expr, name: &str) -> bool {
    match value {
        Expr::Call { function, .. } => function == name,
        Expr::Otherwise { value, .. } => is_call(value, name),
        _ => false,
    }
}
