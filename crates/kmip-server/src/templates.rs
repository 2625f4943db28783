//! Templates: attributes that requests refer to by name (KMIP 1.4, section 2.2.6). Deprecated in 1.3, gone in 2.0.

use kmip::objects::Template;
use kmip::{AttributeValue, Attributes, ManagedObject, Name};

use crate::attribute_rules::is_multi_valued;
use crate::batch::Context;
use crate::failure::Failure;
use crate::index::{Search, Storage, Term, Visit, equal};

/// The attributes, with those of the templates that they name. What the request says itself goes before.
pub(crate) fn resolve(
    context: &Context<'_>,
    attributes: Attributes,
) -> Result<Attributes, Failure> {
    if attributes.templates().is_empty() {
        return Ok(attributes);
    }
    let mut all = Attributes::new();
    for wanted in attributes.templates() {
        let template = named(context, wanted)?;
        let template = template.ok_or_else(|| Failure::not_found(&wanted.value))?;
        for attribute in &template.attributes {
            let name = attribute.value.attribute_name();
            // The name is the template's own.
            let is_own = matches!(attribute.value, AttributeValue::Name(_));
            let is_said = !is_multi_valued(&name)
                && (attributes.get(&name).is_some() || all.get(&name).is_some());
            if !is_own && !is_said {
                all.push(attribute.value.clone());
            }
        }
    }
    for attribute in &attributes {
        all.push(attribute.value.clone());
    }
    Ok(all)
}

/// The template with this name.
fn named(context: &Context<'_>, name: &Name) -> Result<Option<Template>, Failure> {
    let term = equal(&AttributeValue::Name(name.clone())).map(Term::Equal);
    let search = Search {
        storage: &Storage::ALL,
        terms: term.as_slice(),
        ranges: &[],
        oldest_first: false,
        after: None,
    };
    let mut found = None;
    context
        .objects
        .search(&search, |object| match &object.value {
            Some(ManagedObject::Template(template)) if object.names().any(|own| own == name) => {
                found = Some(template.clone());
                Visit::Stop
            }
            _ => Visit::Continue,
        })?;
    Ok(found)
}
