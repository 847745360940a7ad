//! One message over one connection.

use journeyman_channels::Verdict;
use journeyman_channels::email::Wire;
use journeyman_channels::smtp::{Next, Reply, Stage, broken, commands, judge};
use tokio::time::Instant;

use super::connection::{Connection, End, Lost, Written};

/// What became of the message, and whether the connection can carry another.
pub(super) struct Done {
    pub(super) end: End,
    pub(super) reusable: bool,
}

impl Connection {
    /// Hands a message over.
    pub(super) async fn carry(&mut self, wire: &Wire, deadline: Instant) -> Done {
        self.carried += 1;
        let outcome = match self.announce(wire, deadline).await {
            Ok(()) => self.write(wire, deadline).await,
            Err(done) => Err(done),
        };
        let done = match outcome {
            Ok(reply) => self.judged(Stage::Dot, &reply, wire, true),
            Err(done) => done,
        };
        self.idle_since = Instant::now();
        done
    }

    /// MAIL, RCPT and DATA; at once where the server reads them so (RFC 2920). Their answers come in the same
    /// order either way, and each is judged for itself.
    async fn announce(&mut self, wire: &Wire, deadline: Instant) -> Result<(), Done> {
        let [mail, rcpt, data] = commands(wire, &self.hello);
        let pipelined = self.hello.offers("PIPELINING");
        let reset = std::mem::take(&mut self.begun);
        let reset_line = if reset { "RSET\r\n" } else { "" };
        let mut steps = [(Stage::Mail, mail), (Stage::Rcpt, rcpt), (Stage::Data, data)];
        if pipelined {
            let all: String =
                std::iter::once(reset_line).chain(steps.iter().map(|(_, line)| line.as_str())).collect();
            self.tell(Stage::Mail, &all, deadline).await?;
            steps.iter_mut().for_each(|(_, line)| line.clear());
        } else if reset {
            self.tell(Stage::Mail, reset_line, deadline).await?;
        }
        if reset {
            // Whatever it says to that, MAIL shows whether it has forgotten the message before.
            self.hear(Stage::Mail, deadline).await?;
        }
        let mut said_before = false;
        for (nth, (stage, line)) in steps.iter().enumerate() {
            if !line.is_empty() {
                self.tell(*stage, line, deadline).await.map_err(|done| done.said(said_before))?;
            }
            let reply = self.hear(*stage, deadline).await.map_err(|done| done.said(said_before))?;
            if let Next::Break(verdict) = judge(*stage, &reply, wire.to()) {
                self.begun = true;
                let left = if pipelined { steps.len() - nth - 1 } else { 0 };
                let reusable = reply.code != 421 && self.drained(left, deadline).await;
                let gone = reply.code == 421 && !said_before;
                return Err(Done { end: End { stage: *stage, verdict, gone }, reusable });
            }
            said_before = true;
        }
        Ok(())
    }

    /// Reads the answers to what was written ahead of a refusal. A server that asks for the mail all the same
    /// would get an empty one for whoever it has in mind: it gets none, and the connection is closed.
    async fn drained(&mut self, replies: usize, deadline: Instant) -> bool {
        for _ in 0..replies {
            match self.reply(self.timeouts.command, deadline).await {
                Ok(reply) if reply.code != 354 && reply.code != 421 => {}
                _ => return false,
            }
        }
        true
    }

    /// The mail's lines, then the final dot: up to there nothing is delivered, from there on only the answer
    /// tells.
    async fn write(&mut self, wire: &Wire, deadline: Instant) -> Result<Reply, Done> {
        match self.write_lines(&wire.data(), deadline).await {
            Ok(Written::All) => {}
            Ok(Written::Interrupted) => return Err(self.interrupted(wire, deadline).await),
            // A server that refuses and hangs up: its words may have arrived before the fault.
            Err(Lost::Broken(_)) => return Err(self.interrupted(wire, deadline).await),
            Err(lost) => return Err(Done::broken(lost.end(Stage::Body))),
        }
        match self.write_dot(deadline).await {
            Ok(true) => {}
            Ok(false) => return Err(self.interrupted(wire, deadline).await),
            Err(lost) => return Err(Done::broken(lost.end(Stage::Dot))),
        }
        let patience = self.timeouts.dot;
        self.reply(patience, deadline).await.map_err(|lost| Done::broken(lost.end(Stage::Dot)))
    }

    /// Without the dot nothing is delivered, whatever the server says now; if it refuses, that is what it
    /// means.
    async fn interrupted(&mut self, wire: &Wire, deadline: Instant) -> Done {
        match self.reply(self.timeouts.command, deadline).await {
            Ok(reply) => self.judged(Stage::Body, &reply, wire, false),
            Err(lost) => Done::broken(lost.end(Stage::Body)),
        }
    }

    fn judged(&self, stage: Stage, reply: &Reply, wire: &Wire, reusable: bool) -> Done {
        let verdict = match judge(stage, reply, wire.to()) {
            Next::Break(verdict) => verdict,
            // No reply lets a mail go on at its end.
            Next::Continue(()) => broken(stage, "the server's answer fits nothing"),
        };
        let settled = !matches!(verdict, Verdict::Unknown { .. });
        Done { end: End::of(stage, verdict), reusable: reusable && settled && reply.code != 421 }
    }

    async fn tell(&mut self, stage: Stage, text: &str, deadline: Instant) -> Result<(), Done> {
        self.say(stage, text, deadline).await.map_err(Done::broken)
    }

    async fn hear(&mut self, stage: Stage, deadline: Instant) -> Result<Reply, Done> {
        let reply = self.reply(self.timeouts.command, deadline).await;
        reply.map_err(|lost| Done::broken(lost.end(stage)))
    }
}

impl Done {
    fn broken(end: End) -> Self {
        Self { end, reusable: false }
    }

    /// A connection over which something was said for this message was there when it began.
    fn said(mut self, something: bool) -> Self {
        self.end.gone &= !something;
        self
    }
}
