/* SPDX-License-Identifier: Apache-2.0 */
/* exec_load: a program's maps, what the object puts into them, and the programs that it may tail-call. */
#include <stdlib.h>

#include "cli/exec.h"
#include "engine/jit/jit.h"
#include "engine/maps/maps.h"

static FALLIBLE make_maps(struct exec_set *s, const struct prog *p, struct diag *d)
{
	s->maps = calloc((size_t)p->n_maps + 1, sizeof(struct map *));
	s->progs = calloc((size_t)s->file->n_progs + 1, sizeof(struct vm_prog *));
	if (!s->maps || !s->progs)
		return E_NOMEM;
	for (s->n_maps = 0; s->n_maps < p->n_maps; s->n_maps++)
		TRY(map_new(&p->maps[s->n_maps], &s->maps[s->n_maps], d));
	vm_put_addresses(p->maps, s->maps, s->n_maps);
	return E_OK;
}

static FALLIBLE make_prog(struct exec_set *s, uint32_t i, struct diag *d)
{
	struct vm_prog_opts o = { .profile = &abi_sallyport, .maps = s->maps, .keep = true };

	if (s->progs[i])
		return E_OK;
	if (d)
		d->subject = s->file->progs[i].name;
	return vm_prog_new(&s->file->progs[i], &o, &s->progs[i], d);
}

/* An array of maps, of programs: what the object says stands at each index. */
static FALLIBLE fill_map(struct exec_set *s, const struct prog_map *def, struct map *m, struct diag *d)
{
	for (uint32_t i = 0; i < def->n_inner_maps; i++) {
		uint32_t what = def->inner_maps[i];

		if (!what)
			continue;
		if (def->kind != PROG_MAP_PROG_ARRAY) {
			if (what > s->n_maps)
				FAIL(d, FORMAT, "map '%s' holds a map that is not there", def->name);
			TRY(map_set_inner(m, &i, s->maps[what - 1], d));
			continue;
		}
		if (what > s->file->n_progs)
			FAIL(d, FORMAT, "map '%s' holds a program that is not there", def->name);
		TRY(make_prog(s, what - 1, d));
		TRY(vm_prog_array_set(m, i, s->progs[what - 1]));
	}
	return E_OK;
}

FALLIBLE exec_load(struct exec_set *s, const struct program_file *f, const struct prog *p, struct diag *d)
{
	uint32_t at = (uint32_t)(p - f->progs);

	*s = (struct exec_set){ .file = f };
	TRY(make_maps(s, p, d));
	for (uint32_t i = 0; i < s->n_maps; i++)
		TRY(fill_map(s, &p->maps[i], s->maps[i], d));
	TRY(make_prog(s, at, d));
	s->vp = s->progs[at];
	return E_OK;
}

void exec_unload(struct exec_set *s)
{
	for (uint32_t i = 0; s->progs && i < s->file->n_progs; i++) {
		if (s->progs[i] && s->image)
			jit_detach(s->progs[i]);
		vm_prog_free(s->progs[i]);
	}
	jit_image_free(s->image);
	/* A map may be an owner of others. */
	for (uint32_t i = 0; s->maps && i < s->n_maps; i++)
		map_free(s->maps[i]);
	free(s->progs);
	free(s->maps);
}
