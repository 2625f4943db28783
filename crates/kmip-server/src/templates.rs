//! Templates: attributes that requests refer to by name (KMIP 1.4, section 2.2.6). Deprecated in 1.3, gone in 2.0.

use kmip::{AttributeValue, Attributes, ManagedObject};

use crate::attribute_rules::is_multi_valued;
use crate::batch::Context;
use crate::failure::Failure;

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
        let found = context.objects.find(context.owner, |object| {
            matches!(object.value, Some(ManagedObject::Template(_)))
                && object.names().any(|name| name == wanted)
        });
        let Some(ManagedObject::Template(template)) =
            found.first().and_then(|object| object.value.clone())
        else {
            return Err(Failure::not_found(&wanted.value));
        };
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
