//! The states of a managed object and what moves it from one to the next (KMIP 1.4, section 3.22
//! and its figure; 2.1, section 4.57). Pure: no clock, no store.

use kmip::registry::{RevocationReasonCode, State};

/// What somebody or the clock does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Activate, or the Activation Date comes.
    Activate,
    /// The Deactivation Date comes, or Revoke for a reason that is no compromise.
    Deactivate,
    /// Revoke because of a compromise.
    Compromise,
    /// Destroy.
    Destroy,
}

/// The state after the event; `None` when the event is not allowed in that state.
pub(crate) fn next(state: State, event: Event) -> Option<State> {
    use State as S;
    match (state, event) {
        (S::PreActive, Event::Activate) => Some(S::Active),
        (S::Active, Event::Deactivate) => Some(S::Deactivated),
        (S::PreActive | S::Active | S::Deactivated, Event::Compromise) => Some(S::Compromised),
        (S::Destroyed, Event::Compromise) => Some(S::DestroyedCompromised),
        (S::PreActive | S::Deactivated, Event::Destroy) => Some(S::Destroyed),
        (S::Compromised, Event::Destroy) => Some(S::DestroyedCompromised),
        _ => None,
    }
}

/// What a Revoke with this reason is.
pub(crate) fn revocation(reason: RevocationReasonCode) -> Event {
    match reason {
        RevocationReasonCode::KeyCompromise | RevocationReasonCode::CACompromise => {
            Event::Compromise
        }
        _ => Event::Deactivate,
    }
}

/// The dates that the clock acts on, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dates {
    pub(crate) activation: Option<i64>,
    pub(crate) deactivation: Option<i64>,
}

/// The state at `now`: an Activation Date or Deactivation Date that has come has moved it.
pub(crate) fn at(state: State, dates: Dates, now: i64) -> State {
    let has_come = |date: Option<i64>| date.is_some_and(|date| date <= now);
    let mut state = state;
    if state == State::PreActive && has_come(dates.activation) {
        state = next(state, Event::Activate).unwrap_or(state);
    }
    if state == State::Active && has_come(dates.deactivation) {
        state = next(state, Event::Deactivate).unwrap_or(state);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] = [
        State::PreActive,
        State::Active,
        State::Deactivated,
        State::Compromised,
        State::Destroyed,
        State::DestroyedCompromised,
    ];

    /// The specification's table, whole: every pair that is not here is refused.
    #[test]
    fn transitions() {
        use State as S;
        let allowed = [
            (S::PreActive, Event::Activate, S::Active),
            (S::PreActive, Event::Destroy, S::Destroyed),
            (S::PreActive, Event::Compromise, S::Compromised),
            (S::Active, Event::Deactivate, S::Deactivated),
            (S::Active, Event::Compromise, S::Compromised),
            (S::Deactivated, Event::Destroy, S::Destroyed),
            (S::Deactivated, Event::Compromise, S::Compromised),
            (S::Compromised, Event::Destroy, S::DestroyedCompromised),
            (S::Destroyed, Event::Compromise, S::DestroyedCompromised),
        ];
        for state in STATES {
            for event in [
                Event::Activate,
                Event::Deactivate,
                Event::Compromise,
                Event::Destroy,
            ] {
                let expected = allowed
                    .iter()
                    .find(|(from, by, _)| (*from, *by) == (state, event))
                    .map(|(_, _, to)| *to);
                assert_eq!(next(state, event), expected, "{state} {event:?}");
            }
        }
    }

    #[test]
    fn dates_move_it_forward_only() {
        let dates = Dates {
            activation: Some(100),
            deactivation: Some(200),
        };
        for (now, expected) in [
            (99, State::PreActive),
            (100, State::Active),
            (199, State::Active),
            (200, State::Deactivated),
        ] {
            assert_eq!(at(State::PreActive, dates, now), expected, "{now}");
        }
        assert_eq!(at(State::Deactivated, dates, 150), State::Deactivated);
        assert_eq!(at(State::Compromised, dates, 300), State::Compromised);
        assert_eq!(
            at(
                State::PreActive,
                Dates {
                    activation: None,
                    deactivation: Some(1)
                },
                5
            ),
            State::PreActive
        );
    }
}
