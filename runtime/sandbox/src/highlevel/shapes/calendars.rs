//! Keys of requests about appointments. v3 has two states more.

use crate::highlevel::shape::Shape::{Flag, Text, Word};
use crate::highlevel::shape::{Key, Shape, may, need};

const PLACE: Shape = Word(&["custom", "zoom", "gmeet", "phone", "address", "ms_teams", "google"]);
const OLD_STATUS: Shape = Word(&["new", "confirmed", "cancelled", "showed", "noshow", "invalid"]);
const STATUS: Shape = Word(&["new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "active"]);

macro_rules! appointment {
    ($status:expr, $($more:expr),* $(,)?) => {
        &[
            may("title", Text),
            may("meetingLocationType", PLACE),
            may("meetingLocationId", Text),
            may("overrideLocationConfig", Flag),
            may("appointmentStatus", $status),
            may("assignedUserId", Text),
            may("description", Text),
            may("address", Text),
            may("ignoreDateRange", Flag),
            may("toNotify", Flag),
            may("ignoreFreeSlotValidation", Flag),
            may("rrule", Text),
            may("endTime", Text),
            $($more),*
        ]
    };
}

/// Creation of an appointment.
pub(crate) const NEW_APPOINTMENT: &[Key] = appointment!(
    STATUS,
    need("calendarId", Text),
    need("locationId", Text),
    need("contactId", Text),
    need("startTime", Text),
);
/// The same before v3.
pub(crate) const OLD_NEW_APPOINTMENT: &[Key] = appointment!(
    OLD_STATUS,
    need("calendarId", Text),
    need("locationId", Text),
    need("contactId", Text),
    need("startTime", Text),
);
/// Change of an appointment.
pub(crate) const APPOINTMENT: &[Key] = appointment!(STATUS, may("calendarId", Text), may("startTime", Text));
/// The same before v3.
pub(crate) const OLD_APPOINTMENT: &[Key] = appointment!(OLD_STATUS, may("calendarId", Text), may("startTime", Text));
