//! Steps, triggers and moments in words.

use std::sync::Arc;

use jiff::civil::Weekday;
use journeyman_domain::plan::{
    Days, Node, Rhythm, Send, Setting, Step, Trigger, Watch, Watched, When, Window,
};
use journeyman_domain::value::Span;

use super::{self as graph, Kind, Line};

/// `a`, `a or b`, `a, b or c`.
pub(super) fn any(names: &[Arc<str>]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What is watched.
pub(crate) fn watch(watch: &Watch) -> String {
    match &watch.what {
        Watched::Entered { segment, existing } => {
            format!("in segment {segment}{}", if *existing { ", or there already" } else { "" })
        }
        Watched::Left { segment } => format!("out of segment {segment}"),
        Watched::Date(date) => {
            let offset = match date.offset {
                Span::ZERO => "on ".to_owned(),
                offset if offset.nominal().is_negative() => format!("{} before ", offset.negated()),
                offset => format!("{offset} after "),
            };
            let at = date.at.map(|at| format!(" at {}", at.strftime("%H:%M"))).unwrap_or_default();
            format!("{offset}{}{at}", date.date.text)
        }
        Watched::Every { rhythm, spread } => {
            let spread = spread.map(|spread| format!(", spread over {spread}")).unwrap_or_default();
            match rhythm {
                Rhythm::When(when) if rhythm.once() => format!("once, {}{spread}", moment(when)),
                Rhythm::When(when) => format!("every {}{spread}", moment(when)),
                // As it was written: the library has its own names of days.
                Rhythm::Cron(_) => {
                    let said = watch.words.strip_prefix("every ").unwrap_or(&watch.words);
                    format!("every `{}`{spread}", said.split(" spread ").next().unwrap_or(said))
                }
            }
        }
    }
}

/// What satisfies something, on one line.
pub(super) fn trigger(trigger: &Trigger) -> String {
    let condition = trigger.condition.as_ref().map(|condition| condition.text.as_ref());
    match (trigger.on.as_slice(), condition) {
        ([], condition) => condition.unwrap_or_default().to_owned(),
        (on, None) => any(on),
        (on, Some(condition)) => format!("{} if {condition}", any(on)),
    }
}

/// Its events, else its condition.
pub(super) fn named(trigger: &Trigger) -> String {
    match (trigger.on.as_slice(), &trigger.condition) {
        ([], Some(condition)) => condition.text.to_string(),
        (on, _) => any(on),
    }
}

/// A share, 0 to 1, as people read it: `10%`, `12.5%`.
pub(super) fn percent(share: f64) -> String {
    let percent = (share * 100.0 * 100.0).round() / 100.0;
    format!("{percent}%")
}

/// A step.
pub(super) fn step(node: &Node) -> graph::Node {
    let mut lines: Vec<Line> =
        node.guard.iter().map(|guard| Line::Code(format!("if {}", guard.text))).collect();
    let (kind, kicker, title) = match &node.step {
        Step::Send(send) => {
            lines.extend(said(send));
            (Kind::Send, format!("Send · {}", by(send)), send.template.to_string())
        }
        Step::Wait(span) => (Kind::Wait, "Wait".to_owned(), span.to_string()),
        Step::WaitUntil(when) => (Kind::Wait, "Wait until".to_owned(), moment(when)),
        Step::WaitUntilComputed(moment) => (Kind::Wait, "Wait until".to_owned(), moment.text.to_string()),
        Step::WaitFor { branches, within } => {
            lines.push(Line::Words(format!("at most {within}")));
            let title = match branches.as_slice() {
                [one] => trigger(&one.trigger),
                several => format!("the first of {}", several.len()),
            };
            (Kind::WaitFor, "Wait for".to_owned(), title)
        }
        Step::If(arms) => match arms.as_slice() {
            [one] => (Kind::Branch, "If".to_owned(), one.condition.text.to_string()),
            several => {
                (Kind::Branch, "Branch".to_owned(), format!("the first of {} that holds", several.len()))
            }
        },
        Step::Set(settings) => {
            lines.extend(settings.iter().map(setting));
            (Kind::Set, "Set".to_owned(), names(settings))
        }
        Step::Update(settings) => {
            lines.extend(settings.iter().map(setting));
            (Kind::Set, "Update".to_owned(), names(settings))
        }
        Step::Track { event, with } => {
            lines.extend(with.iter().map(setting));
            (Kind::Set, "Track".to_owned(), event.to_string())
        }
        Step::Start { journey, with } => {
            lines.extend(with.iter().map(setting));
            (Kind::Set, "Start".to_owned(), journey.to_string())
        }
        Step::Call(call) => {
            lines.extend(call.body.iter().flatten().map(setting));
            let again = if call.retry > 0 { format!(", {} times again", call.retry) } else { String::new() };
            lines.push(Line::Words(format!("at most {}{again}", call.within)));
            (Kind::Set, format!("Call · {}", call.method), call.url.to_string())
        }
        Step::Use { snippet, with, .. } => {
            let given = with.iter().map(|(name, setting)| {
                let name = name.rsplit('/').next().unwrap_or(name);
                self::setting(&(name.into(), setting.clone()))
            });
            lines.extend(given);
            (Kind::Set, "Use".to_owned(), snippet.to_string())
        }
        Step::Repeat { times, every, condition, .. } => {
            lines.extend(condition.iter().map(|condition| Line::Code(format!("while {}", condition.text))));
            lines.extend(every.map(|every| Line::Words(format!("every {every}, after the last too"))));
            let times = if *times == 1 { "once".to_owned() } else { format!("{times} times at most") };
            (Kind::Branch, "Repeat".to_owned(), times)
        }
        Step::Exit(reason) => (Kind::Exit, "Exit".to_owned(), reason.to_string()),
        Step::Choose(shares) => (Kind::Split, "Choose".to_owned(), format!("{} options", shares.len())),
    };
    if node.in_holdout {
        lines.push(Line::Words("for people held out, too".to_owned()));
    }
    graph::Node { kind, step: Some(node.id.clone()), kicker, title, lines }
}

fn names(settings: &[(Arc<str>, Setting)]) -> String {
    settings.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>().join(", ")
}

fn setting((name, setting): &(Arc<str>, Setting)) -> Line {
    match setting {
        Setting::Text(text) => Line::Code(format!("{name}: {text}")),
        Setting::Computed(condition) => Line::Code(format!("{name} = {}", condition.text)),
    }
}

/// `push, else email`; `best of push, email`.
fn by(send: &Send) -> String {
    let channels: Vec<&str> = send.channels.iter().map(|channel| channel.name()).collect();
    if send.best_of { format!("best of {}", channels.join(", ")) } else { channels.join(", else ") }
}

fn said(send: &Send) -> impl Iterator<Item = Line> + '_ {
    let with = send.with.iter().map(setting);
    let best = match &send.at {
        Some(when) => format!("at {}, within", moment(when)),
        None if send.at_best => "at the best hour within".to_owned(),
        None => "within".to_owned(),
    };
    let window = send.window.iter().map(|window| Line::Words(hours(window)));
    let holdout = (send.holdout > 0.0)
        .then(|| Line::Words(format!("withheld from {} of people", percent(send.holdout))));
    with.chain([Line::Words(format!("{best} {}", send.within))]).chain(window).chain(holdout)
}

const WORKING: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// A moment of the calendar: `weekdays 10:00`.
pub(crate) fn moment(when: &When) -> String {
    let zone = when.zone.as_ref().and_then(|zone| zone.iana_name());
    let zone = zone.map_or(String::new(), |zone| format!(" {zone}"));
    format!("{}{}{zone}", days(&when.days), when.at.strftime("%H:%M"))
}

/// `weekdays 09:00-20:00`.
fn hours(window: &Window) -> String {
    let days = days(&window.days);
    match window.hours {
        Some(hours) => format!("{days}{}-{}", hours.from.strftime("%H:%M"), hours.to.strftime("%H:%M")),
        None => days.trim_end().to_owned(),
    }
}

/// Days before a clock time, with a blank behind; nothing where it is every day.
fn days(days: &Days) -> String {
    match days {
        Days::Date(date) => format!("{date} "),
        Days::Every => String::new(),
        Days::Week(days) if days.len() == 7 => String::new(),
        Days::Week(days) if days.len() == 5 && WORKING.iter().all(|day| days.contains(day)) => {
            "weekdays ".to_owned()
        }
        Days::Week(days) => {
            format!("{} ", days.iter().map(|day| weekday(*day)).collect::<Vec<_>>().join(", "))
        }
        Days::Month(day) => format!("day {day} of the month "),
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}
