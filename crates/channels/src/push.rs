//! Notifications to devices.

pub mod fcm;
