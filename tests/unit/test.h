/* SPDX-License-Identifier: MIT
 *
 * What every unit test includes: cmocka with the headers that it wants first.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A test without a state, for tables of CMUnitTest. */
#define TEST(name) cmocka_unit_test(name)

#endif
