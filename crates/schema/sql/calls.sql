-- The view `calls`: one row a model call, whatever told of it, and however often. It is made over the table `spans`:
--
--     create view spans as from read_parquet('data/lake/v1/spans/**/*.parquet', union_by_name = true);
--
-- The rules are those of the connector `genai_metrics` (crates/connector-genai-metrics/src/merging.rs), over the whole lake
-- instead of a window; what is changed here is changed there. Each step works by keys, none compares all with all.
create or replace view calls as
with recursive
-- Spans that stand for a call, each once, numbered by their begin, the longest first.
told as materialized (
    select
        *,
        row_number() over (order by start_ns, duration_ns desc, trace_id, span_id) as n,
        priced_as = '' and input_tokens is null and output_tokens is null as is_mute,
        'span ' || trace_id || span_id as own_key,
        -- Some servers (Ollama) give a number below a thousand for an id: that names an answer only with its usage.
        case
            when regexp_full_match(answer_id, 'chatcmpl-[0-9]{1,3}')
                then concat('answer ', answer_id, ' ', input_tokens, ' ', output_tokens)
            else 'answer ' || answer_id
        end as answer_key,
        -- Calls of the same process, model, kind and usage are told apart by time alone.
        concat_ws(
            chr(0), instance, priced_as, call_kind, coalesce(input_tokens::varchar, '-'), coalesce(output_tokens::varchar, '-')
        ) as side
    from (
        select
            log, position, "index", trace_id, span_id, nullif(parent_span_id, '') as parent_span_id,
            start_time_unix_nano as start_ns, duration_ns, start_time_unix_nano + duration_ns as end_ns,
            coalesce(scope_name, '') as scope,
            coalesce(call_kind, '') as call_kind,
            coalesce('instance ' || nullif(service_instance_id, ''), 'trace ' || service_name || trace_id) as instance,
            nullif(trim(response_id, E' \t\r\n'), '') as answer_id,
            lower(coalesce(nullif(price_model_id, ''), nullif(model, ''), nullif(response_model, ''), request_model, '')) as priced_as,
            input_tokens, output_tokens, cache_read_input_tokens, cache_write_input_tokens, cache_write_1h_input_tokens,
            reasoning_output_tokens, audio_input_tokens, audio_output_tokens,
            (input_tokens is not null)::int + (output_tokens is not null)::int
            + (cache_read_input_tokens is not null)::int + (cache_write_input_tokens is not null)::int
            + (cache_write_1h_input_tokens is not null)::int + (reasoning_output_tokens is not null)::int
            + (audio_input_tokens is not null)::int + (audio_output_tokens is not null)::int as figures,
            usage_semantics is not distinct from 'estimated' as is_estimated,
            cost_total is not null as is_priced,
            session_id, conversation_id, user_id, agent_name, workflow_name
        from spans
        where billable
        qualify row_number() over (partition by trace_id, span_id order by log, position, "index") = 1
    )
),
-- Spans that are no call and say what was used below them. Files from before schema 1.1 have no cost of it.
wrappers as materialized (
    select
        trace_id, span_id, aggregated_cost,
        aggregated_input_tokens as input_tokens,
        aggregated_output_tokens as output_tokens,
        map_extract(usage_details, 'cache_read.input_tokens')[1] as cache_read,
        map_extract(usage_details, 'cache_write.input_tokens')[1] as cache_write,
        map_extract(usage_details, 'cache_write_1h.input_tokens')[1] as cache_write_1h,
        map_extract(usage_details, 'reasoning.output_tokens')[1] as reasoning,
        map_extract(usage_details, 'audio.input_tokens')[1] as audio_input,
        map_extract(usage_details, 'audio.output_tokens')[1] as audio_output
    from (from spans union all by name select null::decimal(18, 12) as aggregated_cost where false)
    where not billable and (aggregated_input_tokens is not null or aggregated_output_tokens is not null)
    qualify row_number() over (partition by trace_id, span_id order by log, position, "index") = 1
),
parents as materialized (
    select trace_id, span_id, min(parent_span_id) as parent_span_id
    from spans
    where parent_span_id is not null and trace_id in (select trace_id from told)
    group by trace_id, span_id
),
-- Who is above a call, up to 32 levels.
up as (
    select n, trace_id, parent_span_id as above_id, 0 as depth from told where parent_span_id is not null
    union all
    select up.n, up.trace_id, parents.parent_span_id, up.depth + 1
    from up
    join parents on parents.trace_id = up.trace_id and parents.span_id = up.above_id
    where up.depth < 31
),
-- Calls do not contain calls: one above or below another, of the same kind and model and with equal usage, is the same. One
-- that says neither model nor usage, as a function that somebody marked as a call, is whichever is nearest.
nested as materialized (
    select below.n, above.n as other, up.depth
    from up
    join told as below on below.n = up.n
    join told as above on above.trace_id = up.trace_id and above.span_id = up.above_id
    where below.call_kind = above.call_kind and below.n <> above.n
        and (below.priced_as = above.priced_as or below.is_mute or above.is_mute)
),
near as (
    select
        one.n, other.n as other, pair.depth, pair.is_above, other.answer_key,
        one.input_tokens is not distinct from other.input_tokens
        and one.output_tokens is not distinct from other.output_tokens as is_equal,
        one.input_tokens is null and one.output_tokens is null as is_silent,
        other.input_tokens is null and other.output_tokens is null as is_other_silent
    from (
        select n, other, depth, true as is_above from nested
        union all
        select other, n, depth, false from nested
    ) as pair
    join told as one on one.n = pair.n
    join told as other on other.n = pair.other
    where one.answer_key is null and (one.priced_as = other.priced_as or one.is_mute)
),
-- By the answer's id of one near,
known as materialized (
    select n, first(answer_key order by depth, other) as key
    from near where is_equal and answer_key is not null group by n
),
-- else the outermost,
heads as materialized (
    select n, first(other order by depth desc) as head
    from near
    where is_above and is_equal and answer_key is null and n not in (select n from known)
    group by n
),
-- else, where a span does not know its usage, the nearest that does.
informed as materialized (
    select n, first(other order by depth, other) as informed
    from near
    where is_silent and not is_other_silent
        and n not in (select n from known) and n not in (select n from heads)
    group by n
),
-- Two instrumentations in one process tell of the same call: the interval of one lies in that of the other. Calls side by
-- side pair in the order in which they began, within each stretch of time in which they overlap.
free as (
    select
        n, side, scope, own_key, answer_key, start_ns, end_ns, duration_ns,
        row_number() over (partition by side, coalesce(answer_key, own_key), scope order by n) as nth_telling,
        coalesce(start_ns > max(end_ns) over (partition by side order by n rows between unbounded preceding and 1 preceding), true) as begins
    from told
    left join known using (n)
    left join heads using (n)
    left join informed using (n)
    where answer_key is not null or (known.key is null and head is null and informed is null)
),
stretched as (
    select *, sum(begins::int) over (partition by side order by n rows unbounded preceding) as stretch from free
),
ranked as (
    select *, row_number() over (partition by side, stretch, scope order by n) as nth
    from stretched where nth_telling = 1
),
paired as (
    select
        *,
        first_value(start_ns) over outermost as outer_start_ns,
        first_value(end_ns) over outermost as outer_end_ns,
        first_value(own_key) over outermost as outer_key
    from ranked
    window outermost as (partition by side, stretch, nth order by duration_ns desc, n)
),
beside as materialized (
    select
        n,
        coalesce(first_value(answer_key ignore nulls) over (
            partition by side, stretch, nth order by n rows between unbounded preceding and unbounded following
        ), outer_key) as key
    from paired
    where start_ns >= outer_start_ns and end_ns <= outer_end_ns
),
-- What each span is a telling of.
by_itself as materialized (
    select told.n, coalesce(told.answer_key, known.key, beside.key, told.own_key) as key, head, informed
    from told
    left join known using (n)
    left join beside using (n)
    left join heads using (n)
    left join informed using (n)
),
by_head as materialized (
    select one.n, coalesce(head.key, one.key) as key
    from by_itself as one left join by_itself as head on head.n = one.head
),
by_usage as materialized (
    select one.n, coalesce(informed.key, by_head.key) as key
    from by_itself as one
    join by_head on by_head.n = one.n
    left join by_head as informed on informed.n = one.informed
),
keyed as materialized (
    select one.n, coalesce(head.key, by_usage.key) as key
    from by_itself as one
    join by_usage on by_usage.n = one.n
    left join by_usage as head on head.n = one.head
),
-- The one that is counted: it has a price, measured usage, the most figures, is the innermost, has the lowest ids.
counted as materialized (
    select told.*, keyed.key
    from told join keyed using (n)
    qualify row_number() over (
        partition by key
        order by not is_priced, is_estimated, figures desc, duration_ns, start_ns desc, trace_id, span_id
    ) = 1
),
tellings as (
    select
        key,
        count(*) as copies,
        first(session_id order by n) filter (session_id is not null) as session_id,
        first(conversation_id order by n) filter (conversation_id is not null) as conversation_id,
        first(user_id order by n) filter (user_id is not null) as user_id,
        first(agent_name order by n) filter (agent_name is not null) as agent_name,
        first(workflow_name order by n) filter (workflow_name is not null) as workflow_name
    from told join keyed using (n)
    group by key
),
-- What a wrapper says of the one call below it, if it says more than the call itself does.
below as (
    select wrappers.trace_id, wrappers.span_id, keyed.key, min(up.depth) as depth
    from up
    join wrappers on wrappers.trace_id = up.trace_id and wrappers.span_id = up.above_id
    join keyed on keyed.n = up.n
    group by wrappers.trace_id, wrappers.span_id, keyed.key
    qualify count(*) over (partition by wrappers.trace_id, wrappers.span_id) = 1
),
merged_down as (
    select below.key, wrappers.*
    from below
    join wrappers using (trace_id, span_id)
    join counted on counted.key = below.key
    where
        (
            counted.input_tokens is null or wrappers.input_tokens = counted.input_tokens
            or wrappers.input_tokens = counted.input_tokens + coalesce(cache_read, 0) + coalesce(cache_write, 0)
        )
        and (
            counted.output_tokens is null or wrappers.output_tokens = counted.output_tokens
            or wrappers.output_tokens = counted.output_tokens + coalesce(reasoning, 0)
        )
        and (
            (counted.input_tokens is null and wrappers.input_tokens is not null)
            or (counted.output_tokens is null and wrappers.output_tokens is not null)
            or (counted.cache_read_input_tokens is null and cache_read is not null)
            or (counted.cache_write_input_tokens is null and cache_write is not null)
            or (counted.cache_write_1h_input_tokens is null and cache_write_1h is not null)
            or (counted.reasoning_output_tokens is null and reasoning is not null)
            or (counted.audio_input_tokens is null and audio_input is not null)
            or (counted.audio_output_tokens is null and audio_output is not null)
        )
    qualify row_number() over (partition by below.key order by below.depth, wrappers.trace_id, wrappers.span_id) = 1
)
select
    c.time, c.start_time_unix_nano, c.duration_ns,
    c.service_name, c.service_namespace, c.deployment_environment,
    c.dialect, c.call_kind, c.operation, c.provider, c.server_address,
    c.request_model, c.response_model, c.model, c.response_id,
    c.status_code, c.error_type, c.finish_reasons, c.is_stream, c.service_tier,
    coalesce(w.input_tokens, c.input_tokens) as input_tokens,
    coalesce(w.output_tokens, c.output_tokens) as output_tokens,
    coalesce(w.cache_read, c.cache_read_input_tokens) as cache_read_input_tokens,
    coalesce(w.cache_write, c.cache_write_input_tokens) as cache_write_input_tokens,
    coalesce(w.cache_write_1h, c.cache_write_1h_input_tokens) as cache_write_1h_input_tokens,
    coalesce(w.reasoning, c.reasoning_output_tokens) as reasoning_output_tokens,
    coalesce(w.audio_input, c.audio_input_tokens) as audio_input_tokens,
    coalesce(w.audio_output, c.audio_output_tokens) as audio_output_tokens,
    c.usage_semantics,
    coalesce(w.aggregated_cost, c.cost_total) as cost,
    case when w.aggregated_cost is null then c.cost_status else 'priced' end as cost_status,
    c.reported_cost, c.price_version, c.price_model_id,
    c.ttft_ns, c.tpot_ns,
    coalesce(c.session_id, t.session_id) as session_id,
    coalesce(c.conversation_id, t.conversation_id) as conversation_id,
    coalesce(c.user_id, t.user_id) as user_id,
    coalesce(c.agent_name, t.agent_name) as agent_name,
    coalesce(c.workflow_name, t.workflow_name) as workflow_name,
    c.prompt_name, c.prompt_version, c.tags,
    c.trace_id, c.span_id, c.scope_name,
    t.copies,
    c.log, c.position, c."index", c.ingested_at
from spans as c
join counted using (log, position, "index")
join tellings as t on t.key = counted.key
left join merged_down as w on w.key = counted.key
where c.billable;
