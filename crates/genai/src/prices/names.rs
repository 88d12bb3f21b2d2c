//! Who sold a call, and which model it was: what the names that a sender uses mean to the table.

use std::borrow::Cow;
use std::sync::Arc;

use super::matching::lower_case;
use super::table::{self, Provider};
use super::{Alias, CallRef, CostStatus};
use crate::provider;

/// A proxy that puts the provider before the model: `openai/gpt-4o`.
const PROXY: &str = "litellm";

/// One name of the model of a call, and who may have sold it.
#[derive(Debug)]
pub(super) struct Named<'a> {
    /// In lower case, without the prefix of a proxy.
    pub(super) model: Cow<'a, str>,
    pub(super) is_response_model: bool,
    pub(super) alias: Option<Alias>,
    /// Whose models are looked through; or why there is nobody.
    pub(super) sellers: Result<Vec<&'a Provider>, CostStatus>,
    /// The seller as the sender calls it, unless its address told who it is.
    pub(super) provider: Option<Cow<'a, str>>,
}

impl<'a> Named<'a> {
    /// The names of a call: that of the model that answered, then that of the model asked for.
    pub(super) fn of(
        providers: &'a [Provider],
        aliases: &super::Aliases,
        call: &CallRef<'a>,
    ) -> impl Iterator<Item = Self> {
        let at_address = call.server_address.and_then(|address| table::provider_at(providers, address));
        let models = [(call.model, true), (call.request_model, false)].into_iter();
        models.filter_map(move |(model, is_response_model)| {
            Some(Self::new(providers, aliases, call, at_address, model?, is_response_model))
        })
    }

    fn new(
        providers: &'a [Provider],
        aliases: &super::Aliases,
        call: &CallRef<'a>,
        at_address: Option<&'a Provider>,
        model: &'a str,
        is_response_model: bool,
    ) -> Self {
        let model = lower_case(model);
        let name = call.provider.map(|name| lower_case(name.trim())).filter(|name| !name.is_empty());
        if let Some(target) = aliases.get(&model) {
            return Self::of_alias(providers, at_address, target, name, is_response_model);
        }
        let (name, model) = behind_proxy(providers, name, model);
        Self::sold(providers, at_address, name, model, is_response_model)
    }

    /// An alias says which model it is, and may say whose: then it does not matter where the call went to.
    fn of_alias(
        providers: &'a [Provider],
        at_address: Option<&'a Provider>,
        target: &str,
        name: Option<Cow<'a, str>>,
        is_response_model: bool,
    ) -> Self {
        let target = lower_case(target.to_owned());
        let with_provider = target.split_once('/').filter(|(prefix, _)| is_provider(providers, prefix));
        let (provider, model) = match with_provider {
            Some((provider, model)) => (Some(provider.to_owned()), model.to_owned()),
            None => (None, target.to_string()),
        };
        let at_address = at_address.filter(|_| provider.is_none());
        let canonical = provider.as_deref().and_then(provider::canonical);
        let alias = Alias { provider: canonical.map(Arc::from), model: model.as_str().into() };
        let name = provider.map(Cow::Owned).or(name);
        let sold = Self::sold(providers, at_address, name, Cow::Owned(model), is_response_model);
        Self { alias: Some(alias), ..sold }
    }

    fn sold(
        providers: &'a [Provider],
        at_address: Option<&'a Provider>,
        name: Option<Cow<'a, str>>,
        model: Cow<'a, str>,
        is_response_model: bool,
    ) -> Self {
        let (sellers, provider) = match at_address {
            Some(provider) => (Ok(vec![provider]), None),
            None => {
                let name = name.filter(|name| *name != PROXY);
                (sellers(providers, name.as_deref(), &model), name)
            }
        };
        Self { model, is_response_model, alias: None, sellers, provider }
    }

    /// Whether the call was sold by the provider of this name, an id of the table or any other that is known.
    pub(super) fn is_sold_by(&self, wanted: &str) -> bool {
        let canonical = provider::canonical(wanted);
        let is_called_so = self.provider.as_deref().is_some_and(|name| {
            name == wanted || (canonical.is_some() && provider::canonical(name) == canonical)
        });
        let in_table = || canonical.iter().flat_map(|name| provider::in_price_table(name));
        let is_seller =
            |seller: &&Provider| seller.id == wanted || in_table().any(|name| seller.is_called(name));
        is_called_so || self.sellers.iter().flatten().any(is_seller)
    }

    /// Who sold it, for people.
    pub(super) fn seller(&self) -> Arc<str> {
        let seller = self.sellers.iter().flatten().next().map(|seller| seller.id.as_str());
        seller.or(self.provider.as_deref()).unwrap_or_default().into()
    }
}

fn behind_proxy<'a>(
    providers: &[Provider],
    name: Option<Cow<'a, str>>,
    model: Cow<'a, str>,
) -> (Option<Cow<'a, str>>, Cow<'a, str>) {
    let with_provider = model.split_once('/').filter(|(provider, _)| {
        name.as_deref() == Some(PROXY) && table::provider_named(providers, provider).is_some()
    });
    match with_provider {
        Some((provider, rest)) => (Some(Cow::Owned(provider.to_owned())), Cow::Owned(rest.to_owned())),
        None => (name, model),
    }
}

fn is_provider(providers: &[Provider], name: &str) -> bool {
    let is_known = |name: &str| table::provider_named(providers, name).is_some();
    is_known(name)
        || provider::canonical(name).is_some_and(|name| provider::in_price_table(&name).any(is_known))
}

/// Who may have sold a call: who is named, else whose models are called so.
fn sellers<'a>(
    providers: &'a [Provider],
    name: Option<&str>,
    model: &str,
) -> Result<Vec<&'a Provider>, CostStatus> {
    if let Some(provider) = name.and_then(|name| table::provider_with_id(providers, name)) {
        return Ok(vec![provider]);
    }
    let Some(name) = name.and_then(provider::canonical) else {
        let of_model = table::provider_of_model(providers, model);
        return of_model.map(|provider| vec![provider]).ok_or(CostStatus::UnknownModel);
    };
    let names = provider::in_price_table(&name);
    let named: Vec<_> = names.filter_map(|name| table::provider_named(providers, name)).collect();
    if named.is_empty() { Err(CostStatus::UnknownProvider) } else { Ok(named) }
}
