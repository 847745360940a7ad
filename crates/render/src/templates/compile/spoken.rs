//! WhatsApp and webhooks: from their YAML to programs.

use super::{Compiling, Texts};
use crate::program::Program;
use crate::report::Report;
use crate::settings::{self, Hook, Whatsapp};
use crate::signature::Asked;
use crate::templates::{ButtonWords, HookWords, WhatsappWords};

/// What a template's YAML says beside its mail.
pub(super) struct Spoken {
    pub(super) whatsapp: Option<Whatsapp>,
    pub(super) hook: Option<Hook>,
}

impl Spoken {
    pub(super) fn read(compiling: &Compiling<'_>, report: &mut Report) -> Self {
        let whatsapp = compiling.folder.whatsapp.as_ref();
        let hook = compiling.folder.webhook.as_ref();
        Self {
            whatsapp: whatsapp.map(|plain| compiling.yaml(plain).whatsapp(report)),
            hook: hook.map(|plain| compiling.yaml(plain).hook(report)),
        }
    }
}

impl Texts<'_> {
    pub(super) fn whatsapp(&self, said: &Whatsapp, asked: &mut Asked, report: &mut Report) -> WhatsappWords {
        let mut words = |words: &settings::Words, report: &mut Report| -> Program {
            self.words(Some(words), asked, report)
        };
        let header = said.header.as_ref().map(|header| words(header, report));
        let body = said.body.iter().map(|parameter| words(parameter, report)).collect();
        let text = said.text.as_ref().map(|text| words(text, report));
        let button = |button: &settings::Button| match button {
            settings::Button::Url(url) => ButtonWords::Url(self.link(Some(url), asked, report)),
            settings::Button::Payload(payload) => {
                ButtonWords::Payload(self.words(Some(payload), asked, report))
            }
        };
        let buttons = said.buttons.iter().map(button).collect();
        let language = said.language.get(self.locale).cloned().unwrap_or_default();
        WhatsappWords { template: said.template.clone(), language, header, body, buttons, text }
    }

    pub(super) fn hook(&self, said: &Hook, asked: &mut Asked, report: &mut Report) -> HookWords {
        let data =
            said.data.iter().map(|(name, words)| (name.clone(), self.words(Some(words), asked, report)));
        HookWords { kind: said.kind.clone(), data: data.collect() }
    }
}
