<?php
// Loads the classes without Composer.

declare(strict_types=1);

spl_autoload_register(function (string $class): void {
    if (str_starts_with($class, 'Affluenza\\')) {
        require __DIR__ . '/src/' . substr($class, strlen('Affluenza\\')) . '.php';
    }
});
