// module-tests: a program with modules, whose tests run them.
#include <cstdlib>

#include <nsenterd/module.hpp>

#include "modules.hpp"
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

int main(int argc, char** argv) {
  nsenterd::test::register_modules();
  nsenterd::init();

  ::setenv(nsenterd::test::kVariable, "as the program has it", 1);
  return Catch::Session().run(argc, argv);
}
