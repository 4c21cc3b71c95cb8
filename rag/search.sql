-- Dense and BM25 (k1 = 1.2, b = 0.75) retrieval, fused, filtered and spread over documents, in one statement.
-- Row-level security has already narrowed every table to shared rows and those of the institution that acts.
with asked as (
  select unnest(tsvector_to_array(to_tsvector(%(configuration)s::regconfig, %(query)s))) as lexeme
),
corpus as (
  select coalesce(sum(passages), 0)::float8 as passages,
         greatest(sum(length)::float8 / nullif(sum(passages), 0), 1) as average_length
  from knowledge_corpora where language = %(language)s
),
terms as materialized (
  select asked.lexeme, ln(1 + (greatest(c.passages - coalesce(sum(l.passages), 0), 0) + 0.5)
                              / (coalesce(sum(l.passages), 0) + 0.5)) as idf,
         count(l.lexeme) > 0 as known
  from asked cross join corpus c
  left join knowledge_lexemes l on l.lexeme = asked.lexeme and l.language = %(language)s
  group by asked.lexeme, c.passages
),
eligible as not materialized (
  select d.id from knowledge_documents d
  where d.language = %(language)s
    and (%(audience)s::text[] is null or d.audience && %(audience)s::text[])
    and not d.cautions && %(exclude_cautions)s::text[]
    and (d.approach is null or not d.approach = any(%(exclude_approaches)s::text[]))
    -- An institution's own version replaces the shared document of the same slug.
    and not (d.institution_id is null and exists (
      select from knowledge_documents own where own.slug = d.slug and own.institution_id is not null))
),
matched as materialized (
  select o.passage_id as id,
         sum(t.idf * o.occurrences * 2.2 / (o.occurrences + 1.2 * (0.25 + 0.75 * o.length / c.average_length)))
           / (select sum(idf) * 2.2 from terms) as coverage
  from (select * from terms where known order by idf desc, lexeme limit %(query_terms)s) t
  join knowledge_postings o on o.lexeme = t.lexeme
  cross join corpus c
  group by o.passage_id
),
worded as (
  select m.id from (select * from matched order by coverage desc, id) m
  join knowledge_passages p on p.id = m.id
  join eligible d on d.id = p.document_id
  order by m.coverage desc, m.id
  limit %(candidates)s
),
nearest as (
  select v.passage_id as id
  from knowledge_vectors v
  join knowledge_passages p on p.id = v.passage_id
  join eligible d on d.id = p.document_id
  where v.embedder = {embedder} and %(vector)s::vector is not null
  order by v.embedding::vector({dimensions}) <#> %(vector)s::vector
  limit %(candidates)s
),
candidates as (
  select id from nearest union select id from worded
),
dense as (
  select v.passage_id as id, max(-(v.embedding <#> %(vector)s::vector)) as cosine
  from knowledge_vectors v join candidates on candidates.id = v.passage_id
  where v.embedder = {embedder} and %(vector)s::vector is not null
  group by v.passage_id
),
scored as (
  select id, p.document_id,
         %(dense_weight)s * coalesce(dense.cosine, 0) + %(text_weight)s * coalesce(matched.coverage, 0) as score
  from candidates
  join knowledge_passages p using (id)
  left join dense using (id)
  left join matched using (id)
),
spread as (
  select *, row_number() over (partition by document_id order by score desc, id) as place from scored
)
select p.id, d.slug, d.title, p.section, p.heading_path, p.text, s.score, d.status, d.skill, d.cautions,
       d.institution_id is null as shared
from spread s
join knowledge_passages p using (id)
join knowledge_documents d on d.id = p.document_id
where s.place <= %(per_document)s
order by s.score desc, p.id
limit %(limit)s
