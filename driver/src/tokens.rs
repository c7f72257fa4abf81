//! What tokens say, and what is remembered of it.
//!
//! A process mostly acts for itself, with one token that nobody changes. What that said is remembered with the process
//! (`processes.rs`), beside a stamp that tells whether it is still the same token in the same state: then one question
//! does in place of five. A thread that impersonates acts with a token that may be another one each time, which is asked.

use core::ops::Deref;

use flt::irql::Passive;
use flt::shared::Held;
use flt::status::NtStatus;
use flt::subject::{Subject, TokenStamp, UserSid};
use flt::sync::SpinLock;
use guard::TokenFacts;

/// What the tokens of a thread and its process say.
#[derive(Clone, Copy)]
pub(crate) struct Tokens {
    facts: TokenFacts,
    effective: Result<UserSid, NtStatus>,
    /// The user of the process, if that may be another one.
    primary: Option<Result<UserSid, NtStatus>>,
}

/// The same, asked now or remembered.
#[expect(
    clippy::large_enum_variant,
    reason = "it lies in the frame of one request, where room for the larger is needed anyway"
)]
pub(crate) enum Told {
    Asked(Tokens),
    Remembered(Held<Tokens>),
}

/// What the token of a process said when it was asked last.
pub(crate) struct TokenMemory {
    last: SpinLock<Option<Remembered>>,
}

struct Remembered {
    /// The state of the token before it was asked.
    stamp: TokenStamp,
    tokens: Held<Tokens>,
}

impl Told {
    /// Asks, or recalls what need not be asked.
    pub(crate) fn ask(
        subject: &Subject<'_>,
        memory: Option<&TokenMemory>,
        passive: Passive,
    ) -> Self {
        let stamp = subject.effective().stamp(passive);
        let memory = memory.filter(|_| !subject.is_impersonating());
        let (Ok(now), Some(memory)) = (stamp, memory) else {
            return Self::Asked(Tokens::ask(subject, stamp, passive));
        };
        if let Some(tokens) = memory.recall(now) {
            return Self::Remembered(tokens);
        }
        let tokens = Tokens::ask(subject, stamp, passive);
        memory.remember(now, &tokens);
        Self::Asked(tokens)
    }
}

impl Deref for Told {
    type Target = Tokens;

    fn deref(&self) -> &Tokens {
        match self {
            Self::Asked(tokens) => tokens,
            Self::Remembered(tokens) => tokens,
        }
    }
}

impl Tokens {
    /// Asks for everything but the stamp, which must be older: of a token that is changed meanwhile it is not the one that
    /// the next request finds.
    #[inline(never)]
    fn ask(subject: &Subject<'_>, stamp: Result<TokenStamp, NtStatus>, passive: Passive) -> Self {
        let effective = subject.effective();
        let mut reason = 0;
        let facts = TokenFacts {
            session_id: known(effective.session_id(passive), &mut reason),
            logon_id: known(stamp.map(|stamp| stamp.logon_id), &mut reason),
            integrity_level: known(effective.integrity_level(passive), &mut reason),
            elevated: known(effective.is_elevated(passive), &mut reason),
            impersonating: Some(subject.is_impersonating()),
            reason: 0,
        };
        Self {
            facts: TokenFacts { reason, ..facts },
            effective: effective.user(passive),
            primary: subject
                .is_impersonating()
                .then(|| subject.primary().user(passive)),
        }
    }

    /// What the effective token says beside its user.
    pub(crate) const fn facts(&self) -> &TokenFacts {
        &self.facts
    }

    /// The user that the thread acts for.
    pub(crate) const fn effective(&self) -> &Result<UserSid, NtStatus> {
        &self.effective
    }

    /// The user of the process.
    pub(crate) fn primary(&self) -> &Result<UserSid, NtStatus> {
        self.primary.as_ref().unwrap_or(&self.effective)
    }

    /// Whether nothing is missing.
    const fn is_whole(&self) -> bool {
        self.facts.reason == 0 && self.effective.is_ok()
    }
}

impl TokenMemory {
    pub(crate) const fn empty() -> Self {
        Self {
            last: SpinLock::new(None),
        }
    }

    /// What was remembered, if the token is still the same in the same state.
    fn recall(&self, stamp: TokenStamp) -> Option<Held<Tokens>> {
        self.last.with(|last| {
            let last = last.as_ref()?;
            (last.stamp == stamp).then(|| last.tokens.share())
        })
    }

    /// Keeps what was told, if it is everything: what is missing is asked for again. Without memory nothing is kept.
    fn remember(&self, stamp: TokenStamp, tokens: &Tokens) {
        if !tokens.is_whole() {
            return;
        }
        if let Ok(tokens) = Held::try_new(*tokens) {
            let new = Remembered { stamp, tokens };
            let old = self.last.with(move |last| last.replace(new));
            // Here the lock is free again.
            drop(old);
        }
    }
}

/// An answer, or the first reason why one is missing.
fn known<T>(answer: Result<T, NtStatus>, reason: &mut u32) -> Option<T> {
    if let Err(status) = &answer
        && *reason == 0
    {
        *reason = status.bits();
    }
    answer.ok()
}
