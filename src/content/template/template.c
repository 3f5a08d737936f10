/* SPDX-License-Identifier: Apache-2.0 */
/* template: the built-in table, look-ups, digests and exact contexts. */
#include "content/template/template.h"

#include <sodium.h>

#define FIELD(ident, name_, type_, source_, presence_, doc_) \
	{ .name = name_,                                     \
	  .type = TEMPLATE_##type_,                          \
	  .source = TEMPLATE_##source_,                      \
	  .presence = TEMPLATE_##presence_,                  \
	  .doc = doc_ },
static const struct template_field common_fields[] = {
#include "content/template/common.def"
};
// clang-format off
#define SECTION_BEGIN(section) static const struct template_field section##_fields[] = {
#define SECTION_END(section) };
#include "content/template/sections.def"
// clang-format on
#undef SECTION_BEGIN
#undef SECTION_END
#undef FIELD

// clang-format off
static const struct template_type builtin_types[] = {
#define TYPE(name_, events_, doc_) \
	{ .name = #name_, .events = events_, .doc = doc_, .own = { name_##_fields, countof(name_##_fields) } },
#include "content/template/types.def"
#undef TYPE
};
// clang-format on

static_assert(countof(common_fields) <= TEMPLATE_CAP, "the common section has room for TEMPLATE_CAP fields");
static_assert(countof(builtin_types) <= TEMPLATE_MAX_TYPES, "types are bits of a 64-bit mask");
static_assert(TEMPLATE_N_COMMON == countof(common_fields), "ids and rows come from one table");
static_assert(FIELD_ipc_pipe_end_ - TEMPLATE_CAP == countof(ipc_pipe_fields), "ids and rows come from one table");
static_assert((int)FIELD_file_open_nameraw == TEMPLATE_CAP + (int)TEMPLATE_FILE_nameraw,
	      "types about files begin alike");
static_assert((int)FIELD_fd_dup_lport == TEMPLATE_CAP + (int)TEMPLATE_SOCKET_lport, "types about sockets begin alike");

const struct template_table template_builtin = {
	.common = { common_fields, countof(common_fields) },
	.types = builtin_types,
	.n_types = countof(builtin_types),
};

const struct template_type *template_type_by_name(const struct template_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_types; i++)
		if (!strcmp(t->types[i].name, name))
			return &t->types[i];
	return NULL;
}

bool template_has_event(const struct template_type *t, const char *event, size_t len)
{
	for (const char *s = t->events; *s;) {
		size_t n = strcspn(s, " ");

		if (n == len && !memcmp(s, event, n))
			return true;
		s += n + (s[n] == ' ');
	}
	return false;
}

static const struct template_field *section_find(const struct template_section *s, const char *name, size_t len,
						 uint32_t *index)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (strlen(s->fields[i].name) == len && !memcmp(s->fields[i].name, name, len)) {
			*index = i;
			return &s->fields[i];
		}
	}
	return NULL;
}

const struct template_field *template_field_find(const struct template_table *t, const struct template_type *type,
						 const char *name, size_t len, uint32_t *id)
{
	uint32_t i;
	const struct template_field *f = section_find(&t->common, name, len, &i);

	if (f) {
		*id = i;
		return f;
	}
	f = type ? section_find(&type->own, name, len, &i) : NULL;
	if (f)
		*id = TEMPLATE_CAP + i;
	return f;
}

const struct template_field *template_field_at(const struct template_table *t, const struct template_type *type,
					       uint32_t id)
{
	if (id < TEMPLATE_CAP)
		return id < t->common.n ? &t->common.fields[id] : NULL;
	return type && id - TEMPLATE_CAP < type->own.n ? &type->own.fields[id - TEMPLATE_CAP] : NULL;
}

const char *template_type_word(uint8_t field_type)
{
	static const char *const words[] = {
		[TEMPLATE_BOOL] = "bool", [TEMPLATE_U64] = "u64",           [TEMPLATE_I64] = "i64",
		[TEMPLATE_TIME] = "time", [TEMPLATE_PORT] = "port",         [TEMPLATE_STR] = "string",
		[TEMPLATE_IP] = "ip",     [TEMPLATE_BYTES] = "bytes",       [TEMPLATE_LIST] = "list",
		[TEMPLATE_DICT] = "dict", [TEMPLATE_ANCESTRY] = "ancestry", [TEMPLATE_NAMES] = "names",
	};

	return field_type < countof(words) ? words[field_type] : "unknown";
}

void template_digest(const char *section_name, const struct template_section *s, uint32_t n,
		     uint8_t out[TEMPLATE_DIGEST_BYTES])
{
	static const char domain[] = "sallyport schema 1";
	crypto_generichash_state h;

	assert(n <= s->n && "a digest of fields that exist");
	crypto_generichash_init(&h, NULL, 0, TEMPLATE_DIGEST_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)domain, sizeof domain);
	crypto_generichash_update(&h, (const uint8_t *)section_name, strlen(section_name) + 1);
	for (uint32_t i = 0; i < n; i++) {
		const char *word = template_type_word(s->fields[i].type);

		/* every string with its NUL, so that no two lists of fields run together */
		crypto_generichash_update(&h, (const uint8_t *)s->fields[i].name, strlen(s->fields[i].name) + 1);
		crypto_generichash_update(&h, (const uint8_t *)word, strlen(word) + 1);
	}
	crypto_generichash_final(&h, out, TEMPLATE_DIGEST_BYTES);
}

static struct abi_ctx_field *add_section(struct abi_ctx_field *f, const struct template_section *s, uint32_t first_id)
{
	for (uint32_t i = 0; i < s->n; i++)
		*f++ = (struct abi_ctx_field){
			.off = template_slot_off(first_id + i),
			.bytes = 8,
			.name = s->fields[i].name,
			.kind = template_is_handle(s->fields[i].type) ? ABI_CTX_HANDLE : ABI_CTX_SCALAR,
		};
	return f;
}

FALLIBLE template_ctx(const struct template_table *t, const struct template_type *type, struct arena *a,
		      struct abi_ctx *out)
{
	uint32_t n_words = TEMPLATE_PRESENCE_BYTES / 8, n = n_words + t->common.n + type->own.n;
	struct abi_ctx_field *fields = ARENA_ARRAY(a, struct abi_ctx_field, n), *f = fields;

	if (!fields)
		return E_NOMEM;
	for (uint32_t i = 0; i < n_words; i++)
		*f++ = (struct abi_ctx_field){ .off = 8 * i, .bytes = 8, .kind = ABI_CTX_SCALAR, .name = "presence" };
	f = add_section(f, &t->common, 0);
	add_section(f, &type->own, TEMPLATE_CAP);
	*out = (struct abi_ctx){
		.name = type->name, .size = template_ctx_bytes(type), .fields = fields, .n_fields = n
	};
	return E_OK;
}
