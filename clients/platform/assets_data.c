/*
 * style.css and hills.svg, put into the program by the assembler. Paths are from the root of the
 * project, where make runs; rules.mk names both files as what this object is made of.
 */
__asm__(".section .rodata\n"
        ".global assets_style_begin, assets_style_end, assets_hills_begin, assets_hills_end\n"
        "assets_style_begin:\n"
        ".incbin \"clients/platform/style.css\"\n"
        "assets_style_end:\n"
        ".byte 0\n"
        "assets_hills_begin:\n"
        ".incbin \"clients/platform/hills.svg\"\n"
        "assets_hills_end:\n"
        ".byte 0\n"
        ".previous\n");

/* ISO C wants a declaration in every file. */
extern const char assets_style_begin[];
