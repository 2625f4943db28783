//! Whether a key may be used now, and for what (KMIP 1.4, sections 3.19, 3.21, 3.22, 3.25 and 3.26; 2.1, sections
//! 4.16, 4.39, 4.41, 4.57 and 4.66).

use kmip::registry::{CryptographicUsageMask, ResultReason, State, UsageLimitsUnit};
use kmip::structures::UsageLimits;
use kmip::{AttributeValue, DateTime};

use crate::failure::Failure;
use crate::object::Object;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It protects: it encrypts, signs, wraps, derives, makes a code. Only an active key does.
    Protect,
    /// It processes what is protected: it decrypts, verifies, unwraps. A deactivated or compromised key still does, or
    /// what it has protected would be lost.
    Process,
}

/// Refuses a use that the state, a date or the Cryptographic Usage Mask does not allow.
pub(crate) fn check(
    object: &Object,
    purpose: Purpose,
    mask: CryptographicUsageMask,
    now: DateTime,
) -> Result<(), Failure> {
    let state = object.state();
    let attributes = &object.attributes;
    let allowed = match purpose {
        Purpose::Protect => state == State::Active,
        Purpose::Process => {
            matches!(
                state,
                State::Active | State::Deactivated | State::Compromised
            )
        }
    };
    if !allowed {
        return Err(Failure::wrong_state(format!("the object is {state}")));
    }
    if purpose == Purpose::Protect
        && attributes
            .protect_stop_date()
            .is_some_and(|date| *date <= now)
    {
        return Err(Failure::wrong_state("the Protect Stop Date has come"));
    }
    if purpose == Purpose::Process
        && attributes
            .process_start_date()
            .is_some_and(|date| *date > now)
    {
        return Err(Failure::wrong_state("the Process Start Date has not come"));
    }
    let own = attributes
        .cryptographic_usage_mask()
        .copied()
        .unwrap_or_default();
    if !own.contains(mask) && !own.contains(CryptographicUsageMask::Unrestricted) {
        return Err(Failure::new(
            ResultReason::IncompatibleCryptographicUsageMask,
            format!("the Cryptographic Usage Mask of the object has no {mask}"),
        ));
    }
    Ok(())
}

/// Whether it counts how much it is used.
pub(crate) fn is_limited(object: &Object) -> bool {
    object.attributes.usage_limits().is_some()
}

/// Takes what a use of so many bytes costs from the Usage Limits; refuses it when there is not enough left.
pub(crate) fn spend(object: &mut Object, bytes: usize) -> Result<(), Failure> {
    let Some(limits) = object.attributes.usage_limits().cloned() else {
        return Ok(());
    };
    let cost = match limits.unit {
        UsageLimitsUnit::Byte => i64::try_from(bytes).unwrap_or(i64::MAX),
        _ => 1,
    };
    take(object, limits, cost)
}

/// Takes a count from the Usage Limits.
pub(crate) fn take(object: &mut Object, limits: UsageLimits, count: i64) -> Result<(), Failure> {
    let left = limits
        .count
        .unwrap_or(limits.total)
        .checked_sub(count)
        .filter(|left| *left >= 0 && count >= 0)
        // The published cases expect this reason in every version (CS-BC-M-7-20).
        .ok_or_else(|| Failure::wrong_state("the Usage Limits are used up"))?;
    object.set(AttributeValue::UsageLimits(UsageLimits {
        count: Some(left),
        ..limits
    }));
    Ok(())
}
