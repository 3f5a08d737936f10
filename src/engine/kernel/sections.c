/* SPDX-License-Identifier: Apache-2.0 */
/* sections: which program the name of an ELF section stands for. */
#include "engine/kernel/kernel.h"

enum form { EXACT, REST, PREFIX };

static const struct section_row {
	const char *name;
	uint8_t prog, attach;
	bool sleepable;
	uint8_t form; /* enum form */
} sections[] = {
#define SECTION(name, prog, attach, sleepable, form) { name, KPROG_##prog, attach, sleepable, form },
#include "engine/kernel/sections.def"
#undef SECTION
};

/* What comes after the row's name; NULL: the row does not fit. */
static const char *rest(const struct section_row *r, const char *section)
{
	size_t n = strlen(r->name);

	if (strncmp(section, r->name, n))
		return NULL;
	section += n;
	if (r->form == EXACT)
		return *section ? NULL : section;
	if (r->form == REST && *section && *section != '/')
		return NULL;
	return section + (*section == '/');
}

bool kernel_section(const char *section, struct kernel_target *out, const char **attach)
{
	section += *section == '?'; /* libbpf: not loaded unless asked for */
	for (size_t i = 0; i < countof(sections); i++) {
		const struct section_row *r = &sections[i];
		const char *after = rest(r, section);

		if (!after)
			continue;
		*out = (struct kernel_target){ .prog_type = r->prog,
					       .attach_type = r->attach,
					       .sleepable = r->sleepable };
		*attach = after;
		return true;
	}
	return false;
}
