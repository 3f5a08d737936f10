/* SPDX-License-Identifier: Apache-2.0 */
/* fields_container: which container a process is in. */
#include "sensor/decode/parts.h"

void fields_container(struct decode *d, uint32_t id)
{
	if (id == FIELD_container_id)
		value_str(d, id, d->view->container_id);
}
