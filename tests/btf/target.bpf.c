/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

struct moved moved;
struct same same;
struct differs differs;
callback a_callback;
anonymous_t an_anonymous;
struct only_declared *declared;
enum big big;
enum huge_small huge_small;
