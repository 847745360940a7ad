//! `journeyman preview --all`: every template in every locale, to look through.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use journeyman_domain::plan::Channel;
use journeyman_domain::{PersonId, ShopTime};
use serde_json::json;

use super::{NOBODY, Page, Part, message_of};
use crate::diagnostics::Told;
use crate::shop::{Shop, Wanted};

/// One that was written.
struct Written {
    template: String,
    locale: String,
    channel: Channel,
    file: String,
    title: String,
}

/// Writes all that can be rendered, and says what can't.
pub(super) fn write(
    shop: &Shop,
    only: Option<Channel>,
    folder: &Path,
    as_json: bool,
    now: ShopTime,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't make the folder {}", folder.display()))?;
    let (mut written, mut failed) = (Vec::new(), 0);
    for signature in shop.templates.signatures() {
        let channels = signature.channels.iter().filter(|channel| **channel != Channel::Inbox);
        for channel in channels.filter(|channel| only.is_none_or(|only| only == **channel)) {
            for locale in &shop.policies.locales {
                match page(shop, &signature.name, *channel, locale, now) {
                    Ok(page) => {
                        let file = format!("{}.{channel}.{locale}.{}", signature.name, page.ending());
                        put(&folder.join(&file), &page.part(Part::Html))?;
                        written.push(Written {
                            template: signature.name.to_string(),
                            locale: locale.to_string(),
                            channel: *channel,
                            title: page.title().to_owned(),
                            file,
                        });
                    }
                    Err(error) => {
                        failed += 1;
                        if !error.is::<Told>() {
                            eprintln!("{}", crate::told(&error));
                        }
                    }
                }
            }
        }
    }
    put(&folder.join("index.html"), &index(&written))?;
    if as_json {
        let files: Vec<_> = written
            .iter()
            .map(|one| json!({ "template": one.template, "locale": one.locale, "channel": one.channel.name(), "file": one.file }))
            .collect();
        println!("{}", json!({ "folder": folder.display().to_string(), "files": files, "failed": failed }));
    } else {
        println!("{} messages in {}", written.len(), folder.join("index.html").display());
    }
    if failed == 0 { Ok(()) } else { Err(Told.into()) }
}

fn page(shop: &Shop, template: &str, channel: Channel, locale: &str, now: ShopTime) -> anyhow::Result<Page> {
    let data = shop.templates.sample(template, locale).context("the template has no sample")?;
    let message = message_of(now);
    let wanted = Wanted { template, message, person: PersonId(0), address: NOBODY, sender: None };
    Ok(Page::of(&shop.said(&wanted, channel, &data, now)?))
}

fn put(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
}

fn index(written: &[Written]) -> String {
    let mut rows = String::new();
    for one in written {
        let title = escaped(&one.title);
        let Written { template, locale, channel, file, .. } = one;
        let _ = writeln!(
            rows,
            "<tr><td>{template}</td><td>{channel}</td><td>{locale}</td><td><a href=\"{file}\">{title}</a></td></tr>"
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Messages</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem}}td,th{{padding:.25rem 1rem .25rem 0;\
         text-align:left}}</style></head>\n<body><h1>Messages</h1>\n<table><tr><th>template</th><th>channel</th>\
         <th>locale</th><th>subject</th></tr>\n{rows}</table></body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
