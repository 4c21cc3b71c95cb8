-- Knowledge: documents, their passages, the vectors of each encoder, and what BM25 needs.
-- institution_id null is content shared by every campus. Everybody sees shared rows and those of the institution that
-- acts; only the worker and the owner write. The sub-select in the policies makes PostgreSQL read the setting once a
-- statement, not once a row.

create table knowledge_documents (
  id bigint generated always as identity primary key,
  institution_id uuid,
  slug text not null,
  title text not null,
  skill text,
  approach text,
  topics text[] not null,
  audience text[] not null,
  cautions text[] not null,
  language text not null,
  status text not null check (status in ('draft', 'reviewed')),
  reviewed_by text,
  version int not null,
  sources jsonb not null,
  body text not null,
  digest text not null,
  updated_at timestamptz not null default now(),
  check (status = 'draft' or reviewed_by is not null),
  unique nulls not distinct (institution_id, slug)
);

create table knowledge_passages (
  id bigint generated always as identity primary key,
  document_id bigint not null references knowledge_documents on delete cascade,
  institution_id uuid,
  language text not null,
  section text not null,
  heading_path text[] not null,
  position int not null,
  start_offset int not null,
  end_offset int not null,
  text text not null,
  questions text[] not null,
  -- Lexemes in it, repetitions counted.
  length int not null,
  unique (document_id, position)
);

-- item 0 is the passage itself, item n its nth question. Vectors of several encoders may stand side by side, which is
-- how an encoder is changed without downtime; the column is untyped because they differ in length.
create table knowledge_vectors (
  embedder text not null,
  passage_id bigint not null references knowledge_passages on delete cascade,
  item smallint not null,
  institution_id uuid,
  embedding vector not null,
  primary key (embedder, passage_id, item)
);
create index on knowledge_vectors (passage_id);

create table knowledge_postings (
  lexeme text not null,
  passage_id bigint not null references knowledge_passages on delete cascade,
  institution_id uuid,
  occurrences smallint not null,
  -- Lexemes of the passage, repeated here so that ranking reads nothing but this index.
  length int not null,
  primary key (lexeme, passage_id) include (institution_id, occurrences, length)
);
create index on knowledge_postings (passage_id);

-- Counted by namespace and language, so that no campus changes or learns another's statistics.
create table knowledge_lexemes (
  institution_id uuid,
  language text not null,
  lexeme text not null,
  passages int not null,
  unique nulls not distinct (lexeme, language, institution_id) include (passages)
);

create table knowledge_corpora (
  institution_id uuid,
  language text not null,
  passages int not null,
  length bigint not null,
  unique nulls not distinct (institution_id, language)
);

do $$
declare name text;
begin
  foreach name in array array['knowledge_documents', 'knowledge_passages', 'knowledge_vectors', 'knowledge_postings',
                              'knowledge_lexemes', 'knowledge_corpora']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy readable on %I for select using (institution_id is null
      or institution_id = (select nullif(current_setting(''app.institution'', true), '''')::uuid))', name);
    execute format('create policy writable on %I to companion_owner, companion_worker using (institution_id
      is not distinct from (select nullif(current_setting(''app.institution'', true), '''')::uuid))', name);
    execute format('grant select on %I to companion_app', name);
    execute format('grant select, insert, update, delete on %I to companion_worker', name);
  end loop;
end $$;

-- The worker ingests but owns nothing, and sees one namespace only: analysing, counting and indexing all of them is
-- the owner's, lent through this function. Returns whether it built the encoder's index.
create function knowledge_maintain(encoder text, dimensions int, exact_up_to int) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  index_name text := 'knowledge_ann_' || left(md5(encoder), 16);
begin
  analyze knowledge_documents, knowledge_passages, knowledge_vectors, knowledge_postings, knowledge_lexemes;
  if to_regclass(index_name) is not null
    or (select reltuples from pg_class where oid = 'knowledge_vectors'::regclass) <= exact_up_to then
    return false;
  end if;
  execute format('create index %I on knowledge_vectors using hnsw ((embedding::vector(%s)) vector_ip_ops)
    where embedder = %L', index_name, dimensions, encoder);
  return true;
end $$;
revoke execute on function knowledge_maintain from public;
grant execute on function knowledge_maintain to companion_worker;
