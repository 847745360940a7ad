//! Purchases, and what the models ask of them: who bought how often, how lately, for how much.

use std::collections::BTreeMap;

/// One purchase. `customer` is whatever number the caller gave them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Purchase {
    /// Who.
    pub customer: u32,
    /// On which day, counted from any day on.
    pub day: i32,
    /// For how much; 0 where that is not known.
    pub value: f64,
}

/// What the models know of a customer. Several purchases of one day are one, as in Fader, Hardie and Lee (2005).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Buyer {
    /// How many days they bought on after the first one: x.
    pub repeats: u32,
    /// From the first purchase to the latest, weeks: t_x.
    pub recency: f64,
    /// From the first purchase to the day the model looks from, weeks: T.
    pub age: f64,
    /// What a day of repeated purchases brought on average; 0 where there was none.
    pub mean_value: f64,
}

/// All purchases, by customer and day.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    /// Of each customer, in the order of their numbers: their days in order, each with what it brought.
    customers: BTreeMap<u32, Vec<(i32, f64)>>,
}

impl Histories {
    /// Of purchases in any order.
    pub fn of(purchases: impl IntoIterator<Item = Purchase>) -> Self {
        let mut customers: BTreeMap<u32, Vec<(i32, f64)>> = BTreeMap::new();
        for Purchase { customer, day, value } in purchases {
            customers.entry(customer).or_default().push((day, value));
        }
        for days in customers.values_mut() {
            days.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            days.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    earlier.1 += later.1;
                }
                same
            });
        }
        Self { customers }
    }

    /// How many customers there are.
    pub fn len(&self) -> usize {
        self.customers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }

    /// On how many days customers bought, all together.
    pub fn days(&self) -> usize {
        self.customers.values().map(Vec::len).sum()
    }

    /// The first and the last day on which somebody bought.
    pub fn span(&self) -> Option<(i32, i32)> {
        let first = self.customers.values().filter_map(|days| days.first()).map(|day| day.0).min()?;
        let last = self.customers.values().filter_map(|days| days.last()).map(|day| day.0).max()?;
        Some((first, last))
    }

    /// Customers as they are seen at the end of `day`; who had not bought by then is left out.
    pub fn at(&self, day: i32) -> impl Iterator<Item = (u32, Buyer)> + '_ {
        self.customers.iter().filter_map(move |(customer, days)| Some((*customer, buyer(days, day)?)))
    }

    /// Of who had bought by the end of `after`: the day of the first purchase, and the days of repeated ones until the
    /// end of `until`.
    pub(crate) fn repeats(&self, after: i32, until: i32) -> impl Iterator<Item = (i32, &[(i32, f64)])> + '_ {
        self.customers.values().filter_map(move |days| {
            let (first, later) = days.split_first().filter(|(first, _)| first.0 <= after)?;
            let end = later.partition_point(|(day, _)| *day <= until);
            Some((first.0, &later[..end]))
        })
    }

    /// All that was spent by the end of `day`.
    pub fn spent(&self, day: i32) -> f64 {
        let days = self.customers.values().flatten().filter(|(of, _)| *of <= day);
        days.map(|(_, value)| value).sum()
    }

    /// What somebody spent on average from `from` to `until`, both included; of those who had bought by then.
    pub fn mean_spent(&self, from: i32, until: i32) -> f64 {
        let known = self.customers.values().filter(|days| days.first().is_some_and(|first| first.0 <= until));
        let (people, spent) = known.fold((0_u32, 0.0), |(people, spent), days| {
            let within = days.iter().filter(|(day, _)| (from..=until).contains(day));
            (people + 1, spent + within.map(|(_, value)| value).sum::<f64>())
        });
        if people == 0 { 0.0 } else { spent / f64::from(people) }
    }
}

pub(crate) fn weeks(days: i32) -> f64 {
    f64::from(days) / 7.0
}

fn buyer(days: &[(i32, f64)], at: i32) -> Option<Buyer> {
    let known = &days[..days.partition_point(|(day, _)| *day <= at)];
    let ((first, _), later) = known.split_first()?;
    let last = later.last().map_or(*first, |(day, _)| *day);
    let repeats = u32::try_from(later.len()).unwrap_or(u32::MAX);
    let spent: f64 = later.iter().map(|(_, value)| value).sum();
    Some(Buyer {
        repeats,
        recency: weeks(last - first),
        age: weeks(at - first),
        mean_value: if repeats == 0 { 0.0 } else { spent / f64::from(repeats) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_a_customer() {
        let buy = |customer, day, value| Purchase { customer, day, value };
        let all = Histories::of([
            buy(7, 24, 4.0),
            buy(7, 3, 10.0),
            buy(7, 10, 1.0),
            buy(7, 10, 2.0),
            buy(9, 30, 5.0),
            buy(7, 3, 1.0),
        ]);
        assert_eq!((all.len(), all.days(), all.span()), (2, 4, Some((3, 30))));
        let seen: Vec<_> = all.at(24).collect();
        let buyer = Buyer { repeats: 2, recency: 3.0, age: 3.0, mean_value: 3.5 };
        assert_eq!(seen, [(7, buyer)]);
        let seen: Vec<_> = all.at(23).collect();
        let earlier = Buyer { repeats: 1, recency: 1.0, age: 20.0 / 7.0, mean_value: 3.0 };
        assert_eq!(seen, [(7, earlier)]);
        assert_eq!(all.at(2).count(), 0);
        assert_eq!(all.mean_spent(10, 30), (3.0 + 4.0 + 5.0) / 2.0);
    }
}
