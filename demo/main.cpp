// cinebokeh: the command line program.
#include <cstdio>
#include <exception>

#include "commands.hpp"
#include "options.hpp"
#include "signals.hpp"

int main(int count, char** arguments) {
    using namespace cinebokeh::demo;
    catch_signals();
    const Options options = parse_options(count, arguments);
    try {
        switch (options.command) {
            case Command::blur:
                return process(options.process);
            case Command::matte:
                return process(options.process);
            case Command::scene:
                return generate_scene(options.scene);
            case Command::render:
                return render(options.render);
            case Command::eval_davis:
                return eval_davis(options.eval);
            case Command::eval_bokeh:
                return eval_bokeh(options.eval);
            case Command::eval_matte:
                return eval_matte(options.eval);
            case Command::live:
                return live(options.live);
            case Command::weights_list:
                return weights_list();
            case Command::weights_get:
                return weights_get(options.weights);
            case Command::weights_import:
                return weights_import(options.weights);
            case Command::doctor:
                return doctor();
            case Command::none:
                return options.exit_code;
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "cinebokeh: %s\n", error.what());
    }
    return 1;
}
