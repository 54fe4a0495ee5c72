// What a test needs of the machine it runs on. A test that cannot run fails, unless NSENTERD_ALLOW_SKIP=1
// says that whoever started it knows.
#pragma once

#include <initializer_list>
#include <string>

namespace nsenterd::test {

/// Each says what is missing; empty if nothing is.
std::string missing_root();
std::string missing_programs(std::initializer_list<const char*> names);
/// What RuncContainer and UnshareContainer need.
std::string missing_for_containers();
/// Extended attributes where RuncContainer has its root.
std::string missing_extended_attributes();

bool skips_are_allowed();

}  // namespace nsenterd::test

/// First line of a test case: `missing` is one of the above.
#define NSENTERD_NEEDS(missing)                                                               \
  do {                                                                                        \
    if (const std::string why = (missing); !why.empty()) {                                    \
      if (!::nsenterd::test::skips_are_allowed()) FAIL("this test cannot run here: " << why); \
      WARN("skipped: " << why);                                                               \
      return;                                                                                 \
    }                                                                                         \
  } while (false)
