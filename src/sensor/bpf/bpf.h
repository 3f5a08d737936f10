/* SPDX-License-Identifier: Apache-2.0 */
/* bpf: the compiled BPF object, as bytes inside this binary. What is in it: sensor.bpf.c. */
#ifndef SALLYPORT_SENSOR_BPF_H
#define SALLYPORT_SENSOR_BPF_H

#include <stdint.h>

/* An ELF file from sensor_bpf_object up to, not including, sensor_bpf_object_end; aligned to 8 bytes. */
extern const uint8_t sensor_bpf_object[], sensor_bpf_object_end[];

#endif
