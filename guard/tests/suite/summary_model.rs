//! Summaries against a plain list, under any order of calls: every request is in exactly one record.

use crate::common::{Case, IDENTITY, Parts, Request, STARTED, TIME, encoded, ended, journal, note};
use core::sync::atomic::AtomicU64;
use guard::{
    BATCH_SIZE_MIN, Begun, Bitness, ControlCode, Emitted, Flight, GivenUp, JOURNAL_SIZE_MIN,
    Journal, LATE_AFTER, LossClass, Outcome, OutcomeKind, Process, Reader, StaleTicket, Summaries,
    SummaryEntry, SummaryTicket,
};
use proptest::prelude::*;
use wire::{BOOT_ID_SIZE, Body, SummaryBody};

const SECOND: u64 = 10_000_000;
const WINDOW: u32 = 2;

/// One call.
#[derive(Clone, Debug)]
enum Call {
    /// A request of that kind, by that code, of so many clusters. Those that are too many, or none, are noted.
    Begin(u8, bool, i64),
    /// The n-th in flight ends so.
    End(usize, u32, OutcomeKind),
    /// Time goes by, in tenths of a second.
    Wait(u64),
    /// Whatever is due goes into the journal; the reader takes it, or does not.
    Emit(bool),
    /// Nobody reads: the journal is full.
    Fill,
}

/// A request as the list keeps it.
#[derive(Clone, Debug)]
struct Known {
    kind: u8,
    code: u8,
    bytes: u64,
    time: u64,
    started: u64,
    end: Option<Outcome>,
    /// How many had ended before it.
    order: usize,
    ticket: SummaryTicket,
    summary: usize,
    /// Whether a record has counted it.
    is_counted: bool,
}

/// A summary as the list keeps it.
struct Window {
    kind: u8,
    opened: u64,
    is_told: bool,
    /// When it is told though requests are in flight.
    late: u64,
    /// Whether a record has said that it began.
    is_known: bool,
}

type Table = Summaries<Vec<u8>, Vec<SummaryEntry<Vec<u8>>>, Vec<Flight>>;
type Held = Journal<Box<[AtomicU64]>>;

struct Pair {
    table: Table,
    journal: Held,
    reader: Reader,
    now: u64,
    requests: Vec<Known>,
    windows: Vec<Window>,
    /// Requests that were sent to the journal.
    own: u64,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let kind = prop_oneof![4 => Just(OutcomeKind::Completed), 1 => Just(OutcomeKind::Draining)];
    let status = prop_oneof![3 => Just(0_u32), 1 => 0xC000_0000_u32..0xC000_0010];
    let call = prop_oneof![
        8 => (0_u8..12, any::<bool>(), 0_i64..17)
            .prop_map(|(kind, is_ex, clusters)| Call::Begin(kind, is_ex, clusters)),
        8 => (any::<usize>(), status, kind).prop_map(|(which, status, kind)| Call::End(which, status, kind)),
        2 => (0_u64..25).prop_map(Call::Wait),
        1 => (80_u64..130).prop_map(Call::Wait),
        3 => any::<bool>().prop_map(Call::Emit),
        1 => Just(Call::Fill),
    ];
    proptest::collection::vec(call, 1..if cfg!(miri) { 20 } else { 150 })
}

/// The processes, told apart by their start keys.
const PROCESSES: [Process; 3] = [process(1), process(2), process(3)];

const fn process(start_key: u64) -> Process {
    Process {
        start_key,
        ..*IDENTITY.process
    }
}

/// The names of a kind: two source and two target directories, three processes.
fn draft<'a>(case: &'a Case, names: [&'a [u16]; 3], kind: u8, now: u64) -> Parts<'a> {
    let mut draft = case.draft(names);
    draft.requestor.identity.process = &PROCESSES[usize::from(kind / 4)];
    draft.requestor.identity.thread_id = u32::try_from(now % 1000).unwrap();
    draft.requestor.started = now;
    draft.requestor.time = TIME + (now - STARTED);
    draft
}

/// The names of the files of the n-th request of a kind.
fn names(kind: u8, number: usize) -> [Vec<u16>; 3] {
    let file = |side: u8| format!(r"\Device\Volume1\{}{side}\file{number}", kind >> side & 1);
    ["image".to_owned(), file(0), file(1)].map(|name| name.encode_utf16().collect())
}

impl Window {
    /// One that opens now.
    fn of(kind: u8, now: u64) -> Self {
        Self {
            kind,
            opened: now,
            is_told: false,
            late: now + u64::from(WINDOW) * SECOND + LATE_AFTER,
            is_known: false,
        }
    }
}

impl Pair {
    fn new(entries: usize, flights: usize) -> Self {
        let (journal, reader) = journal(JOURNAL_SIZE_MIN);
        let entries = (0..entries).map(|_| SummaryEntry::default()).collect();
        Self {
            table: Summaries::new(entries, vec![Flight::default(); flights]),
            journal,
            reader,
            now: STARTED,
            requests: Vec::new(),
            windows: Vec::new(),
            own: 0,
        }
    }

    fn apply(&mut self, call: &Call) {
        match call {
            Call::Begin(kind, is_ex, clusters) => self.begin(*kind, *is_ex, *clusters),
            Call::End(which, status, kind) => self.end(*which, *status, *kind),
            Call::Wait(tenths) => self.now += tenths * SECOND / 10,
            Call::Emit(is_read) => self.emit(self.now, *is_read),
            Call::Fill => self.fill(),
        }
        let counters = self.journal.counters();
        let in_flight = self.requests.iter().filter(|one| one.end.is_none()).count() as u64;
        assert_eq!(counters.in_flight.get(), in_flight);
        assert_eq!(counters.seen.get(), self.requests.len() as u64 + self.own);
        assert_eq!(counters.summarised.get(), self.requests.len() as u64);
        assert!(counters.is_balanced());
        let open = self.windows.iter().filter(|window| !window.is_told).count();
        assert_eq!(self.table.count(), open);
    }

    fn begin(&mut self, kind: u8, is_ex: bool, clusters: i64) {
        let code = [ControlCode::Duplicate, ControlCode::DuplicateEx][usize::from(is_ex)];
        let mut request = Request::valid(code, Bitness::Bits64);
        request.range[2] = clusters * 0x1_0000;
        let case = Case::new(request.capture());
        let names = names(kind, self.requests.len());
        let parts = draft(&case, [&names[0], &names[1], &names[2]], kind, self.now);
        let draft = parts.as_draft();
        let Some(size) = draft.passed_size() else {
            // Too large a count is noted.
            return assert_eq!(draft.class(), LossClass::Finding);
        };
        let passed = draft.pass(WINDOW, vec![0xEE; size]).unwrap();
        let joins = self.open_window(kind);
        let (ticket, is_new) = match self.table.begin(&self.journal, passed) {
            Begun::Opened(ticket) => (ticket, true),
            Begun::Joined(ticket, _) => (ticket, false),
            Begun::Full(_) => return self.record_alone(&parts),
        };
        assert_eq!(SummaryTicket::from_raw(ticket.into_raw()), Some(ticket));
        assert_eq!(guard::Ticket::from_raw(ticket.into_raw()), None);
        assert_eq!(joins.is_none(), is_new, "one window, one summary");
        if is_new {
            self.windows.push(Window::of(kind, self.now));
        }
        self.requests.push(Known {
            kind,
            code: 1 + u8::from(is_ex),
            bytes: u64::try_from(request.range[2]).unwrap(),
            time: draft.requestor.time,
            started: self.now,
            end: None,
            order: 0,
            ticket,
            summary: joins.unwrap_or(self.windows.len() - 1),
            is_counted: false,
        });
    }

    /// The summary that a request of that kind should join now.
    fn open_window(&self, kind: u8) -> Option<usize> {
        self.windows.iter().position(|window| {
            let closes = window.opened + u64::from(WINDOW) * SECOND;
            !window.is_told && window.kind == kind && self.now < closes
        })
    }

    fn record_alone(&mut self, parts: &Parts<'_>) {
        let draft = parts.as_draft();
        self.own += 1;
        let ticket = self.journal.reserve(draft.class(), &encoded(parts));
        self.journal.complete(ticket, &ended(0)).unwrap();
    }

    fn end(&mut self, which: usize, status: u32, kind: OutcomeKind) {
        let order = self.requests.iter().filter(|one| one.end.is_some()).count();
        let open = self.requests.iter_mut().filter(|one| one.end.is_none());
        let mut open = open.collect::<Vec<_>>();
        if open.is_empty() {
            return;
        }
        let which = which % open.len();
        let outcome = Outcome {
            kind,
            ended: self.now + 7,
            ..ended(status)
        };
        let ticket = open[which].ticket;
        (open[which].end, open[which].order) = (Some(outcome), order);
        assert_eq!(self.table.end(&self.journal, ticket, &outcome), Ok(()));
        let again = self.table.end(&self.journal, ticket, &outcome);
        assert_eq!(again, Err(StaleTicket));
        for bit in 0..62 {
            let forged = SummaryTicket::from_raw(ticket.into_raw() ^ (1 << bit)).unwrap();
            if !self
                .requests
                .iter()
                .any(|one| one.end.is_none() && one.ticket == forged)
            {
                let stale = self.table.end(&self.journal, forged, &outcome);
                assert_eq!(stale, Err(StaleTicket));
            }
        }
    }

    /// Fills what routine records may fill.
    fn fill(&mut self) {
        let record = note(1, 0);
        while self.journal.offer(LossClass::Routine, &record) {}
    }

    fn emit(&mut self, now: u64, is_read: bool) {
        loop {
            let before = self.journal.counters();
            let is_due = (0..self.windows.len()).any(|index| self.is_due(index, now));
            match self.table.emit(&self.journal, now) {
                Emitted::Sent(record) => {
                    assert!(is_due);
                    self.check(&record, now, false);
                }
                Emitted::Part => {
                    assert!(is_due);
                    let record = self.last_record();
                    self.check(&record, now, true);
                }
                Emitted::NoRoom => {
                    assert!(is_due);
                    assert_eq!(self.journal.counters(), before, "nothing is lost");
                    break;
                }
                Emitted::Nothing => {
                    assert!(!is_due);
                    break;
                }
            }
        }
        if is_read {
            self.read();
        }
    }

    /// The requests of a window that no record has counted: those that have ended, and those that have not.
    fn uncounted(&self, index: usize) -> (Vec<&Known>, Vec<&Known>) {
        let all = self.requests.iter().filter(|one| one.summary == index);
        all.filter(|one| !one.is_counted)
            .partition(|one| one.end.is_some())
    }

    /// Whether a window is to be told.
    fn is_due(&self, index: usize, now: u64) -> bool {
        let window = &self.windows[index];
        let (ended, pending) = self.uncounted(index);
        let is_news = !ended.is_empty() || !window.is_known;
        let is_over = window.opened + u64::from(WINDOW) * SECOND <= now;
        let is_late = window.late <= now && is_news;
        !window.is_told && is_over && (pending.is_empty() || is_late)
    }

    /// The record that came into the journal last.
    fn last_record(&mut self) -> Vec<u8> {
        let mut out = vec![0; JOURNAL_SIZE_MIN];
        let boot = [1; BOOT_ID_SIZE];
        let filled = self
            .journal
            .fill_batch(&mut self.reader, boot, 0, &mut out)
            .unwrap();
        let batch = wire::Batch::parse(&out[..filled.bytes]).unwrap();
        batch.records().last().unwrap().bytes().to_vec()
    }

    /// The reader takes everything.
    fn read(&mut self) {
        let mut out = vec![0; BATCH_SIZE_MIN];
        loop {
            let boot = [1; BOOT_ID_SIZE];
            let filled = self
                .journal
                .fill_batch(&mut self.reader, boot, 0, &mut out)
                .unwrap();
            let through = filled.last_sequence;
            self.journal.acknowledge(&mut self.reader, through).unwrap();
            if filled.records == 0 {
                break;
            }
        }
    }

    /// Compares what a summary of a window counts, and takes it as counted.
    fn count(&mut self, index: usize, body: &SummaryBody, now: u64, is_part: bool) {
        let (told, pending) = self.uncounted(index);
        assert_eq!(is_part, !pending.is_empty());
        let told: Vec<_> = told.into_iter().cloned().collect();
        let all = self.requests.iter().filter(|one| one.summary == index);
        check_sums(body, &told);
        check_window(body, &all.cloned().collect::<Vec<_>>());
        let window = &mut self.windows[index];
        (window.is_told, window.is_known) = (!is_part, true);
        window.late = now.saturating_add(LATE_AFTER);
        for one in &mut self.requests {
            one.is_counted |= one.summary == index && one.end.is_some();
        }
    }

    /// Compares a summary with the requests that it should tell of.
    fn check(&mut self, record: &[u8], now: u64, is_part: bool) {
        let mut record = record.to_vec();
        if !is_part {
            // The journal's number, which its own copy has.
            record[16] = 1;
        }
        let record = wire::Record::parse(&record).unwrap();
        let Body::Summary(summary) = record.body() else {
            panic!("{record:?}");
        };
        let body = summary.body();
        assert_eq!(
            (record.class(), record.request_number()),
            (LossClass::Routine, None)
        );
        let process = summary.process();
        let sides = [summary.source(), summary.target()].map(|name| name.text().to_string());
        let kinds = |known: &Known| {
            let names = names(known.kind, 0).map(|name| String::from_utf16(&name).unwrap());
            let ends = |side: usize| names[side + 1].strip_suffix(r"\file0") == Some(&sides[side]);
            process.start_key == Some(u64::from(known.kind / 4) + 1) && ends(0) && ends(1)
        };
        let index = self.windows.iter().enumerate().position(|(index, window)| {
            let pending = self.uncounted(index).1.len();
            self.is_due(index, now) && !window.is_told && pending as u32 == body.pending.get() && {
                let known = self
                    .requests
                    .iter()
                    .find(|one| one.summary == index)
                    .unwrap();
                kinds(known) && known.time == body.first_time.get()
            }
        });
        let index = index.expect("a summary of nothing");
        self.count(index, body, now, is_part);
        assert_eq!(record.time(), body.last_time.get());
        assert_eq!((process.process_id, process.thread_id), (4321, 0));
    }
}

/// Compares what a summary says of its whole window.
fn check_window(body: &SummaryBody, all: &[Known]) {
    let times = all.iter().map(|one| one.time);
    assert_eq!(Some(body.first_time.get()), times.clone().min());
    assert_eq!(Some(body.last_time.get()), times.max());
    let codes = all.iter().fold(0, |codes, one| codes | one.code);
    assert_eq!(
        (body.control_codes, body.window_seconds.get()),
        (codes, WINDOW)
    );
}

/// Compares what a summary counts.
fn check_sums(body: &SummaryBody, told: &[Known]) {
    let ends = |of: fn(&Outcome) -> bool| {
        let ends = told.iter().filter_map(|one| one.end.as_ref());
        ends.filter(|end| of(end)).count() as u64
    };
    assert_eq!(body.count.get(), told.len() as u64);
    assert_eq!(body.completed.get(), ends(Outcome::is_success));
    assert_eq!(
        body.draining.get(),
        ends(|end| end.kind == OutcomeKind::Draining)
    );
    let completed = told.iter().filter(|one| one.end.unwrap().is_success());
    assert_eq!(
        body.byte_count.get(),
        completed.map(|one| one.bytes).sum::<u64>()
    );
    let durations = told.iter().map(|one| one.end.unwrap().ended - one.started);
    assert_eq!(body.duration_sum.get(), durations.sum::<u64>());
    let failed = told.iter().filter(|one| {
        let end = one.end.unwrap();
        end.kind == OutcomeKind::Completed && !end.is_success()
    });
    let last = failed.clone().max_by_key(|one| one.order);
    assert_eq!(body.failed.get(), failed.count() as u64);
    let status = last.map_or(0, |one| one.end.unwrap().status);
    assert_eq!(body.last_failure.get(), status);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 300 }, ..ProptestConfig::default() })]
    #[test]
    fn every_request_is_in_one_record(
        entries in 0_usize..20,
        flights in 0_usize..12,
        calls in calls(),
    ) {
        let mut pair = Pair::new(entries, flights);
        for call in &calls {
            pair.apply(call);
        }
        while pair.requests.iter().any(|one| one.end.is_none()) {
            pair.end(0, 0, OutcomeKind::Completed);
        }
        pair.read();
        pair.emit(u64::MAX, true);
        pair.emit(u64::MAX, true);
        prop_assert!(pair.windows.iter().all(|window| window.is_told));
        prop_assert_eq!(pair.table.count(), 0);
    }
}

#[test]
fn only_two_windows_of_a_kind_need_two_entries() {
    let mut pair = Pair::new(1, 4);
    pair.begin(0, false, 1);
    pair.now += 3 * SECOND;
    pair.begin(0, false, 1);
    assert_eq!(
        (pair.own, pair.windows.len()),
        (1, 1),
        "the first is over, and in flight"
    );
    pair.end(0, 0, OutcomeKind::Completed);
    pair.emit(pair.now, true);
    pair.begin(0, false, 1);
    assert_eq!((pair.own, pair.windows.len()), (1, 2));
}

/// One that is held for ever holds back nobody: the others are told, and it is when it ends.
#[test]
fn what_is_in_flight_for_long_holds_back_nothing() {
    let mut pair = Pair::new(1, 4);
    for _ in 0..3 {
        pair.begin(0, false, 1);
    }
    pair.end(1, 0, OutcomeKind::Completed);
    pair.now += u64::from(WINDOW) * SECOND + LATE_AFTER - 1;
    pair.emit(pair.now, false);
    assert_eq!(pair.journal.counters().held, 0, "not yet");
    pair.now += 1;
    pair.emit(pair.now, false);
    assert_eq!(pair.journal.counters().held, 1, "one ended, two pending");
    // Without news there is none, with news not at once.
    pair.now += LATE_AFTER;
    pair.emit(pair.now, false);
    assert_eq!(pair.journal.counters().held, 1);
    pair.end(0, 0, OutcomeKind::Completed);
    pair.emit(pair.now, false);
    assert_eq!(
        pair.journal.counters().held,
        2,
        "it is long since the one before"
    );
    pair.end(0, 0, OutcomeKind::Completed);
    pair.emit(pair.now, false);
    assert_eq!(pair.journal.counters().held, 3);
    assert!(pair.windows[0].is_told);
    let counted = pair.requests.iter().filter(|one| one.is_counted).count();
    assert_eq!((counted, pair.table.count()), (3, 0));
}

/// When nobody will ask again what there is no room for is counted as lost.
#[test]
fn what_is_given_up_is_told_or_lost() {
    let mut pair = Pair::new(16, 4);
    for kind in [0, 4] {
        pair.begin(kind, false, 1);
        pair.end(0, 0, OutcomeKind::Completed);
    }
    assert!(matches!(
        pair.table.give_up(&pair.journal),
        GivenUp::Sent(_)
    ));
    let held = pair.journal.counters().held.get();
    pair.fill();
    let filled = pair.journal.counters();
    assert!(filled.held.get() > held);
    assert!(matches!(
        pair.table.give_up(&pair.journal),
        GivenUp::Lost(_)
    ));
    assert!(matches!(
        pair.table.give_up(&pair.journal),
        GivenUp::Nothing
    ));
    let counters = pair.journal.counters();
    assert_eq!(counters.losses[0][0], 1);
    assert_eq!((counters.held, pair.table.count()), (filled.held, 0));
    assert!(counters.is_balanced());
}
