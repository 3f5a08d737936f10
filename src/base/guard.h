/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: a condition that must hold lest a known failure mode (F1 to F26) happens.
 *
 * GUARD(19, a && b) is (a && b). In a build with the option without_guard=19 it is true without being looked at, as if
 * the check were not there: only a test that shows that the test of this failure mode notices is built like that. The
 * condition has no side effects.
 */
#ifndef SALLYPORT_BASE_GUARD_H
#define SALLYPORT_BASE_GUARD_H

#ifdef SALLYPORT_WITHOUT_GUARD
#define GUARD(n, ok) ((n) == SALLYPORT_WITHOUT_GUARD || (ok))
#else
#define GUARD(n, ok) (ok)
#endif

#endif
